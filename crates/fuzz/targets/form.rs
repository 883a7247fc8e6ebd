//! libFuzzer's way into `hookgate_fuzz::form`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookgate_fuzz::form(data));
