//! The greeting: the first bytes on each socket, and the only ones whose form is ours.
//!
//! Who connects greets first and in full, then who accepts, so that neither waits for the other
//! with full buffers, and a stranger who connects is told nothing. All numbers are big-endian:
//!
//! | bytes | what |
//! | --- | --- |
//! | 12 | [`MAGIC`] |
//! | 4 each | the number of who greets, of who is greeted, and how many processes there are |
//! | 4, and so many | what all must agree about |
//!
//! Behind the greeting of who accepts is one byte, [`WELCOME`] or [`TAKEN`]. Who connected says
//! [`WELCOME`] too, as the last: only then does the other count it as there.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::clock::now;
use crate::error::PeersError;
use crate::form::{FAMILY, MAGIC, MOST_BYTES};

/// All is well.
pub(crate) const WELCOME: u8 = b'+';
/// There is a process of this number already.
pub(crate) const TAKEN: u8 = b'2';
/// So long may a greeting take from its first byte to its last.
const PATIENCE: Duration = Duration::from_secs(5);

/// What one process says to another.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Greeting {
    /// Who greets.
    pub(crate) from: usize,
    /// Who is greeted.
    pub(crate) to: usize,
    /// How many processes there are.
    pub(crate) count: usize,
    /// What all must agree about.
    pub(crate) what: Vec<u8>,
}

/// Why a greeting cannot be read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It ends, or does not come in time, or is longer than any.
    Io(io::Error),
    /// It begins otherwise, with these bytes. `related` tells another version from a stranger.
    Kind { found: Vec<u8>, related: bool },
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Unread {
        Unread::Io(error)
    }
}

impl Greeting {
    /// The bytes of it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in [self.from, self.to, self.count, self.what.len()] {
            // They were given by the caller or another process, and are far below this.
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend(&self.what);
        bytes
    }

    /// Reads one.
    pub(crate) fn read(conversation: &mut Conversation<'_>) -> Result<Greeting, Unread> {
        let mut magic = [0; MAGIC.len()];
        let mut read = 0;
        while read < magic.len() {
            let more = conversation.read(&mut magic[read..])?;
            if more == 0 {
                return Err(Unread::Io(io::ErrorKind::UnexpectedEof.into()));
            }
            // What begins otherwise is known before it is complete: it may be short, and wait.
            if !MAGIC.starts_with(&magic[..read + more]) {
                let found = magic[..read + more].trim_ascii_end().to_vec();
                let related = found.starts_with(FAMILY);
                return Err(Unread::Kind { found, related });
            }
            read += more;
        }
        let mut number = || -> io::Result<usize> {
            let mut bytes = [0; 4];
            conversation.read_exact(&mut bytes)?;
            Ok(u32::from_be_bytes(bytes) as usize)
        };
        let (from, to, count, size) = (number()?, number()?, number()?, number()?);
        if size > MOST_BYTES {
            return Err(Unread::Io(io::ErrorKind::InvalidData.into()));
        }
        let mut what = Vec::new();
        conversation.take(size as u64).read_to_end(&mut what)?;
        if what.len() < size {
            return Err(Unread::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(Greeting {
            from,
            to,
            count,
            what,
        })
    }

    /// Compares what another process says, from this address, with what this one says to it.
    pub(crate) fn check(&self, theirs: &Greeting, address: &str) -> Result<(), PeersError> {
        let (process, address) = (theirs.from, address.to_owned());
        if theirs.count != self.count {
            return Err(PeersError::Count {
                process,
                address,
                mine: self.count,
                theirs: theirs.count,
            });
        }
        if theirs.what != self.what {
            return Err(PeersError::Greeting {
                process,
                address,
                mine: self.what.clone(),
                theirs: theirs.what.clone(),
            });
        }
        if (theirs.from, theirs.to) != (self.to, self.from) {
            return Err(PeersError::Order {
                address,
                from: theirs.from,
                to: theirs.to,
                me: self.from,
            });
        }
        Ok(())
    }
}

/// A socket on which two processes greet: what takes too long in all is an error.
pub(crate) struct Conversation<'a> {
    socket: &'a TcpStream,
    end: Instant,
}

impl<'a> Conversation<'a> {
    pub(crate) fn new(socket: &'a TcpStream) -> Conversation<'a> {
        let end = now() + PATIENCE;
        Conversation { socket, end }
    }

    /// How much time is left: a timeout of zero would mean none.
    fn left(&self) -> io::Result<Duration> {
        match self.end.saturating_duration_since(now()) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(left),
        }
    }

    /// Says no more, and hears the other out: a socket that is closed with unread bytes is reset,
    /// and the other may never read what was said last.
    pub(crate) fn end(self) {
        let _ = self.socket.shutdown(Shutdown::Write);
        let most = 2 * MOST_BYTES as u64;
        let _ = io::copy(&mut self.take(most), &mut io::sink());
    }
}

impl Read for Conversation<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        let mut socket = self.socket;
        socket.read(buffer).map_err(in_words)
    }
}

impl Write for Conversation<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        let mut socket = self.socket;
        socket.write(buffer).map_err(in_words)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Of a timeout the system says that the resource is temporarily unavailable.
fn in_words(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}
