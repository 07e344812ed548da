//! Where our reading of other projects' archives differs from Python's tarfile and GNU tar.

/// The archives of other projects on which we and the others do not agree, and how. All others are read alike by all three.
/// What is refused, or damaged, is in a table of `docs/formats.md`; where the two others do not agree, the reason is here.
pub(crate) const DIFFERENCES: &[(&str, &[&str])] = &[
    (
        "astral-tokio-tar/tests/archives/diff-014-unterminated-pax.tar",
        &["the archive is damaged at byte 0: a PAX header is malformed: a record is not as long as it says"],
    ),
    (
        "astral-tokio-tar/tests/archives/diff-024-pending-pax-boundary.tar",
        &["the archive is damaged at byte 1024: a metadata header is not followed by the member that it describes"],
    ),
    (
        "astral-tokio-tar/tests/archives/diff-039-truncated-entry-body.tar",
        &["the archive is damaged at byte 512, inside member \"aaa\": it ends 7 bytes before the member does"],
    ),
    (
        "astral-tokio-tar/tests/archives/sparse-1.tar",
        &["refused as sparse: a.big"],
    ),
    (
        "astral-tokio-tar/tests/archives/sparse-large.tar",
        &["refused as sparse: huge"],
    ),
    (
        "astral-tokio-tar/tests/archives/sparse.tar",
        &[
            "refused as sparse: sparse_begin.txt",
            "refused as sparse: sparse_end.txt",
            "refused as sparse: sparse_ext.txt",
            "refused as sparse: sparse.txt",
        ],
    ),
    (
        "cpython-tarfile/tests/archivetestdata/recursion.tar",
        &["the archive is damaged at byte 516: it ends inside a metadata header"],
    ),
    (
        "cpython-tarfile/tests/archivetestdata/testtar.tar",
        &[
            "refused as sparse: gnu/sparse",
            "refused as sparse: gnu/sparse-0.0",
            "refused as sparse: gnu/sparse-0.1",
            "refused as sparse: gnu/sparse-1.0",
        ],
    ),
    (
        "cpython-tarfile/tests/archivetestdata/testtar.tar.xz",
        &["FILE is not a tar archive: it looks like xz; decompress it first: xz -dc FILE > FILE.tar"],
    ),
    (
        "cpython-tarfile/tests/archivetestdata/zipdir.zip",
        &[
            "FILE is not a tar archive: it looks like a zip archive; unpack it and pack it again: tar -cf ARCHIVE.tar DIRECTORY",
        ],
    ),
    (
        "flate2/tests/good-file.gz",
        &[
            "FILE is not a tar archive: it looks like gzip around plain text; decompress it and pack it first: tar -czf ARCHIVE.tar.gz FILES",
        ],
    ),
    (
        "flate2/tests/multi.gz",
        &[
            "FILE is not a tar archive: it looks like gzip around plain text; decompress it and pack it first: tar -czf ARCHIVE.tar.gz FILES",
        ],
    ),
    // tarfile takes the times of GNU's format for a part of the name.
    (
        "go-archive-tar/archive/tar/testdata/gnu-incremental.tar",
        &[
            "as GNU tar alone: directory test2/",
            "as GNU tar alone: file test2/foo",
            "refused as sparse: test2/sparse",
        ],
    ),
    // Of two long names GNU tar goes by the last, and tarfile by the first.
    (
        "go-archive-tar/archive/tar/testdata/gnu-multi-hdrs.tar",
        &["as GNU tar alone: symbolic link GNU2/GNU2/long-path-name"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/gnu-nil-sparse-data.tar",
        &["refused as sparse: sparse.db"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/gnu-nil-sparse-hole.tar",
        &["refused as sparse: sparse.db"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/gnu-sparse-big.tar",
        &["refused as sparse: gnu-sparse"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/hdr-only.tar",
        &[
            "the archive is damaged at byte 5120: a link or device claims 5 bytes, and readers disagree on whether they are there",
        ],
    ),
    // tarfile takes what stands there for a part of the name, though the header does not say that it is of ustar.
    (
        "go-archive-tar/archive/tar/testdata/invalid-go17.tar",
        &["as GNU tar alone: file foo"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/issue10968.tar",
        &["the archive is damaged at byte 0: a header's size is out of range"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/issue11169.tar",
        &["the archive is damaged at byte 602: it ends inside a metadata header"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/issue12435.tar",
        &["the archive is damaged at byte 0: a header's size is out of range"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/neg-size.tar",
        &["the archive is damaged at byte 0: a header's size is out of range"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/pax-bad-hdr-file.tar",
        &["the archive is damaged at byte 0: a PAX header is malformed: a record is not as long as it says"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/pax-bad-hdr-large.tar.bz2",
        &["FILE is not a tar archive: it looks like bzip2; decompress it first: bzip2 -dc FILE > FILE.tar"],
    ),
    // Of two PAX headers GNU tar goes by the last, and tarfile by the first.
    (
        "go-archive-tar/archive/tar/testdata/pax-multi-hdrs.tar",
        &["as GNU tar alone: symbolic link bar"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/pax-nil-sparse-data.tar",
        &["refused as sparse: sparse.db"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/pax-nil-sparse-hole.tar",
        &["refused as sparse: sparse.db"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/pax-nul-path.tar",
        &[
            "refused as nul_in_name: 01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\0",
        ],
    ),
    (
        "go-archive-tar/archive/tar/testdata/pax-path-hdr.tar",
        &["the archive is damaged at byte 1024: a metadata header is not followed by the member that it describes"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/pax-sparse-big.tar",
        &["refused as sparse: pax-sparse"],
    ),
    (
        "go-archive-tar/archive/tar/testdata/small.txt",
        &[
            "FILE is not a tar archive: it looks like plain text; pack the files into one first: tar -cf ARCHIVE.tar FILES",
        ],
    ),
    (
        "go-archive-tar/archive/tar/testdata/small2.txt",
        &[
            "FILE is not a tar archive: it looks like plain text; pack the files into one first: tar -cf ARCHIVE.tar FILES",
        ],
    ),
    (
        "go-archive-tar/archive/tar/testdata/sparse-formats.tar",
        &[
            "refused as sparse: sparse-gnu",
            "refused as sparse: sparse-posix-0.0",
            "refused as sparse: sparse-posix-0.1",
            "refused as sparse: sparse-posix-1.0",
        ],
    ),
    (
        "go-archive-tar/archive/tar/testdata/writer-big-long.tar",
        &[
            "the archive is damaged at byte 1536, inside member \"longname/longname/longname/longname/longname/longname/longname/longname/longname/longname/longname/longname/longname/longname/longname/16gig.txt\": it ends 17179869184 bytes before the member does",
        ],
    ),
    (
        "go-archive-tar/archive/tar/testdata/writer-big.tar",
        &[
            "the archive is damaged at byte 512, inside member \"tmp/16gig.txt\": it ends 17179869184 bytes before the member does",
        ],
    ),
    ("tar-rs/tests/archives/sparse-1.tar", &["refused as sparse: a.big"]),
    ("tar-rs/tests/archives/sparse-large.tar", &["refused as sparse: huge"]),
    (
        "tar-rs/tests/archives/sparse.tar",
        &[
            "refused as sparse: sparse_begin.txt",
            "refused as sparse: sparse_end.txt",
            "refused as sparse: sparse_ext.txt",
            "refused as sparse: sparse.txt",
        ],
    ),
];
