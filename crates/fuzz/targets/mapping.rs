//! libFuzzer's way into `hookgate_fuzz::mapping`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookgate_fuzz::mapping(data));
