//! libFuzzer's way into `hookgate_fuzz::signature`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookgate_fuzz::signature(data));
