//! A socket as timely has it, which notices that the process at its other end is lost.
//!
//! Timely reads and writes each socket on threads of its own. If one ends before its time, or
//! fails, such a thread panics, and the worker waits on, for ever. So a failure must never come to
//! those threads: a [`Line`] writes it down in the [`Watch`], wakes the worker, and keeps the
//! thread. The thread is not ended, because it could only panic: it stays, asleep, until the
//! program ends.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};

use timely::communication::allocator::zero_copy::stream::Stream;

/// What the lines tell the worker, and wake it for.
#[derive(Debug)]
pub(crate) struct Watch {
    worker: Thread,
    /// The first process that was lost.
    lost: OnceLock<usize>,
    /// How many directions of lines have not ended as they should.
    open: AtomicUsize,
}

impl Watch {
    /// For lines to so many processes, of which the worker of this thread shall know.
    pub(crate) fn new(lines: usize) -> Watch {
        Watch {
            worker: thread::current(),
            lost: OnceLock::new(),
            open: AtomicUsize::new(2 * lines),
        }
    }

    /// The process that was lost first.
    pub(crate) fn lost(&self) -> Option<usize> {
        self.lost.get().copied()
    }

    /// Whether anything is still to be said or heard on any line.
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire) > 0
    }

    fn lose(&self, process: usize) {
        let _ = self.lost.set(process);
        self.worker.unpark();
    }

    fn end_one(&self) {
        self.open.fetch_sub(1, Ordering::AcqRel);
        self.worker.unpark();
    }
}

/// A socket to another process.
pub(crate) struct Line {
    /// Shared, so that another handle to it costs no file descriptor and cannot fail.
    socket: Arc<TcpStream>,
    process: usize,
    watch: Arc<Watch>,
    framing: Framing,
    /// The other said its last, and that was told.
    heard_out: bool,
}

impl Line {
    pub(crate) fn new(socket: Arc<TcpStream>, process: usize, watch: Arc<Watch>) -> Line {
        Line {
            socket,
            process,
            watch,
            framing: Framing::default(),
            heard_out: false,
        }
    }

    /// The other process is lost: this thread has nothing to do any more.
    fn lose(&self) -> ! {
        self.watch.lose(self.process);
        loop {
            thread::park();
        }
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.socket.as_ref().read(buffer) {
                Ok(read) if read > 0 => {
                    self.framing.pass(&buffer[..read]);
                    return Ok(read);
                }
                // Timely would panic.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // After the last header, whatever ends the socket is a good end.
                Ok(_) | Err(_) if self.framing.is_at_end() => {
                    if !self.heard_out {
                        self.heard_out = true;
                        self.watch.end_one();
                    }
                    return Ok(0);
                }
                Ok(_) | Err(_) => self.lose(),
            }
        }
    }
}

impl Write for Line {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        loop {
            match self.socket.as_ref().write(buffer) {
                Ok(written) if written > 0 || buffer.is_empty() => return Ok(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => self.lose(),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Line {
    fn try_clone(&self) -> io::Result<Line> {
        let (socket, watch) = (Arc::clone(&self.socket), Arc::clone(&self.watch));
        Ok(Line::new(socket, self.process, watch))
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket.set_nonblocking(nonblocking)
    }

    /// Timely calls this once all is written, for that direction.
    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if self.socket.shutdown(how).is_err() {
            self.lose();
        }
        self.watch.end_one();
        Ok(())
    }
}

/// What timely does not expect, such as a header that names no worker, still ends a thread of it.
impl Drop for Line {
    fn drop(&mut self) {
        if thread::panicking() {
            self.watch.lose(self.process);
        }
    }
}

/// Follows the messages on a socket, to tell a good end from one in their midst.
///
/// Timely sends a header and as many bytes as it says, again and again; a header of no bytes is the
/// last. See `MessageHeader` in `timely_communication::networking`: six big-endian `u64`, of which
/// the fifth is the length.
#[derive(Default)]
struct Framing {
    /// So many bytes of a header were there,
    filled: usize,
    /// and this of its length.
    length: u64,
    /// So many bytes of a message are to come.
    left: u64,
    /// The last header was one of no bytes.
    ended: bool,
}

/// The bytes of a header.
const HEADER: usize = 48;
/// Where in a header the length is.
const LENGTH: std::ops::Range<usize> = 32..40;

impl Framing {
    /// Goes on over bytes that were read.
    fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let skipped =
                    usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.left -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.ended = false;
            if LENGTH.contains(&self.filled) {
                self.length = self.length << 8 | u64::from(*first);
            }
            self.filled += 1;
            if self.filled == HEADER {
                self.ended = self.length == 0;
                self.left = self.length;
                (self.filled, self.length) = (0, 0);
            }
            bytes = rest;
        }
    }

    /// Whether the last header has come, and nothing after it.
    fn is_at_end(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use timely::communication::networking::MessageHeader;

    use super::*;

    fn header(length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let header = MessageHeader {
            channel: 7,
            source: 6,
            target_lower: 5,
            target_upper: 4,
            length,
            seqno: 3,
        };
        header.write_to(&mut bytes).expect("a vector takes all");
        bytes
    }

    /// Both directions must have ended as they should: the last was heard, and said.
    #[test]
    fn a_line_is_open_until_both_have_said_their_last() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let socket = TcpStream::connect(address).expect("it listens");
        let (mut other, _) = listener.accept().expect("it comes");
        let watch = Arc::new(Watch::new(1));
        let mut line = Line::new(Arc::new(socket), 1, Arc::clone(&watch));
        other.write_all(&header(0)).expect("it is open");
        drop(other);
        let mut buffer = [0; 100];
        assert_eq!(line.read(&mut buffer).expect("the header"), 48);
        line.shutdown(Shutdown::Write).expect("it is open");
        assert!(watch.is_open());
        for _ in 0..2 {
            assert_eq!(line.read(&mut buffer).expect("the end"), 0);
        }
        assert!(!watch.is_open());
        assert_eq!(watch.lost(), None);
    }

    /// Whatever pieces bytes come in, only what timely ends with is an end. A message of zeros is
    /// none, though it looks like one.
    #[test]
    fn only_the_last_header_is_an_end() {
        let bytes = [header(300), vec![0; 300], header(1), vec![9], header(0)].concat();
        for size in [1, 7, 48, 97, bytes.len()] {
            let mut framing = Framing::default();
            let mut passed = 0;
            for piece in bytes.chunks(size) {
                assert!(
                    !framing.is_at_end(),
                    "after {passed} bytes, in pieces of {size}"
                );
                framing.pass(piece);
                passed += piece.len();
            }
            assert!(framing.is_at_end());
            framing.pass(&[0]);
            assert!(!framing.is_at_end(), "something followed");
        }
    }
}
