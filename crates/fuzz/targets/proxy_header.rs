//! libFuzzer's way into `hookgate_fuzz::proxy_header`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookgate_fuzz::proxy_header(data));
