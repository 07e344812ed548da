//! One document under all engines and all widths of vectors. See `tarquet_fuzz::engines`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tarquet_fuzz::engines(data);
});
