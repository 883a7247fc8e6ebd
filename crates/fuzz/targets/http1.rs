//! libFuzzer's way into `hookgate_fuzz::http1`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookgate_fuzz::http1(data));
