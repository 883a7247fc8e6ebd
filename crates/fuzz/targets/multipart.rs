//! libFuzzer's way into `hookgate_fuzz::multipart`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookgate_fuzz::multipart(data));
