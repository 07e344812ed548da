//! Any text as a feature map. See `tarquet_fuzz::feature_map`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tarquet_fuzz::feature_map(data);
});
