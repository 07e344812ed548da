//! From the bytes of an archive to its members: sniffing, tar walking, decompression, spool.
