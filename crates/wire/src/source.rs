//! How the descriptors of what members are read from reach a worker: over a Unix socket of its own, which carries nothing
//! else.
//!
//! A worker opens nothing, so it is given what it reads. A [task](crate::message::Task) names its source; where that is
//! another one than that of the task before, the coordinator sends its descriptor *before* the task. So whoever reads a
//! task with a new source finds the descriptor there, and never more than one for each task that it was sent.
//!
//! A datagram (`SOCK_SEQPACKET`) is the [`SourceId`] as 8 bytes, little-endian, and one descriptor (`SCM_RIGHTS`, unix(7)).
#![expect(
    unsafe_code,
    reason = "a descriptor that was received is known by its number alone until it is owned"
)]

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, Shutdown, SockFlag, SockType, recvmsg, sendmsg,
    shutdown, socketpair,
};
use serde::{Deserialize, Serialize};

/// What a task's byte ranges are ranges of: the spool, or an archive's file. Numbers are never used again in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceId(pub u64);

/// The two ends of a socket for descriptors: the coordinator's, which only sends, and the worker's, which only receives.
/// Both are close-on-exec.
///
/// # Errors
///
/// What the system gives.
pub fn channel() -> io::Result<(OwnedFd, OwnedFd)> {
    let kind = SockType::SeqPacket;
    let (near, far) = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)?;
    // A worker that is not itself any more cannot fill the memory of a socket that nobody reads.
    shutdown(near.as_raw_fd(), Shutdown::Read)?;
    Ok((near, far))
}

/// Sends a source's descriptor.
///
/// # Errors
///
/// [`ErrorKind::BrokenPipe`] where the worker is gone, else what the system gives.
pub fn send(socket: impl AsFd, source: SourceId, descriptor: impl AsFd) -> io::Result<()> {
    let id = source.0.to_le_bytes();
    let descriptors = [descriptor.as_fd().as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&descriptors)];
    let socket = socket.as_fd().as_raw_fd();
    sendmsg::<()>(socket, &[IoSlice::new(&id)], &rights, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}

/// Waits for the next source's descriptor, which is close-on-exec.
///
/// # Errors
///
/// [`ErrorKind::UnexpectedEof`] where the coordinator is gone, [`ErrorKind::InvalidData`] for a datagram that is none of
/// [`send`], else what the system gives.
pub fn receive(socket: impl AsFd) -> io::Result<(SourceId, OwnedFd)> {
    // A byte more than is sent, so that a longer datagram is told.
    let mut body = [0; size_of::<u64>() + 1];
    let mut space = nix::cmsg_space!(RawFd);
    let (len, descriptors) = {
        let mut parts = [IoSliceMut::new(&mut body)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let received = recvmsg::<()>(socket.as_fd().as_raw_fd(), &mut parts, Some(&mut space), flags)?;
        let descriptors: Vec<OwnedFd> = received
            .cmsgs()?
            .filter_map(|message| match message {
                ControlMessageOwned::ScmRights(numbers) => Some(numbers),
                _ => None,
            })
            .flatten()
            // SAFETY: the kernel has just made these descriptors for this process, and nobody else knows of them.
            .map(|number| unsafe { OwnedFd::from_raw_fd(number) })
            .collect();
        (received.bytes, descriptors)
    };
    let id = body.first_chunk().filter(|_| len == size_of::<u64>());
    match (id, <[OwnedFd; 1]>::try_from(descriptors)) {
        (Some(id), Ok([descriptor])) => Ok((SourceId(u64::from_le_bytes(*id)), descriptor)),
        (None, Err(descriptors)) if len == 0 && descriptors.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
        _ => Err(io::Error::new(
            ErrorKind::InvalidData,
            "what came over the socket for descriptors is no source",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Seek, Write};

    use super::*;

    fn file(content: &str) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn sources_arrive_in_order_each_with_its_number() {
        let (near, far) = channel().unwrap();
        for (number, content) in [(7, "seven"), (u64::MAX, "most")] {
            send(&near, SourceId(number), file(content)).unwrap();
        }
        for (number, content) in [(7, "seven"), (u64::MAX, "most")] {
            let (source, descriptor) = receive(&far).unwrap();
            let mut text = String::new();
            File::from(descriptor).read_to_string(&mut text).unwrap();
            assert_eq!((source, text.as_str()), (SourceId(number), content));
        }
    }

    #[test]
    fn what_is_no_source_is_refused() {
        let (near, far) = channel().unwrap();
        let [one, two] = [file(""), file("")];
        let numbers = [one.as_raw_fd(), two.as_raw_fd()];
        // Without a descriptor, with two, too short, too long.
        for (body, descriptors) in [(8, 0), (8, 2), (7, 1), (9, 1)] {
            let rights = [ControlMessage::ScmRights(&numbers[..descriptors])];
            let rights = if descriptors > 0 { &rights[..] } else { &[] };
            let body = vec![0; body];
            sendmsg::<()>(
                near.as_raw_fd(),
                &[IoSlice::new(&body)],
                rights,
                MsgFlags::empty(),
                None,
            )
            .unwrap();
            assert_eq!(receive(&far).unwrap_err().kind(), ErrorKind::InvalidData);
        }
        drop(near);
        assert_eq!(receive(&far).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn it_goes_one_way() {
        let (_near, far) = channel().unwrap();
        let error = send(&far, SourceId(0), file("")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_worker_that_is_gone_is_a_broken_pipe() {
        let (near, far) = channel().unwrap();
        drop(far);
        let error = send(&near, SourceId(0), file("")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
}
