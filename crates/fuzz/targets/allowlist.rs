//! libFuzzer's way into `hookgate_fuzz::allowlist`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookgate_fuzz::allowlist(data));
