//! libFuzzer's way into `hookgate_fuzz::client_address`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookgate_fuzz::client_address(data));
