//! The only contract between tarquet's processes: frames, messages, credit.
