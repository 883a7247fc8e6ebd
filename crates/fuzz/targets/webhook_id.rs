//! libFuzzer's way into `hookgate_fuzz::webhook_id`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookgate_fuzz::webhook_id(data));
