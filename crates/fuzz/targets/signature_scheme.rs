//! libFuzzer's way into `hookgate_fuzz::signature_scheme`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookgate_fuzz::signature_scheme(data));
