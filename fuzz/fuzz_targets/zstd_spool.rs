//! A zstd file, decompressed in all ways that there are. See `tarquet_fuzz::zstd_spool`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tarquet_fuzz::zstd_spool(data);
});
