//! What can go wrong among processes. An error names the process, its address and what is wrong.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::form::{MAGIC, MOST_BYTES};

/// Why processes cannot work together, or no longer can.
///
/// The address of a process is the one from the list, or the one that it came from if it came by
/// itself and is not known yet.
#[derive(Debug, thiserror::Error)]
pub enum PeersError {
    /// There is no process of this number.
    #[error("there is no process {me} among {count}, which are counted from 0")]
    Number {
        /// The number that was given.
        me: usize,
        /// How many processes there are.
        count: usize,
    },
    /// An address has not the form `host:port`.
    #[error("process {process}: expected an address like host:port, found `{address}`")]
    Address {
        /// Whose address it is.
        process: usize,
        /// What was given.
        address: String,
    },
    /// What all must agree about is too long.
    #[error("a greeting of {size} bytes is too long: it has at most {MOST_BYTES}")]
    LongGreeting {
        /// How long it is, in bytes.
        size: usize,
    },
    /// This process cannot listen at its address.
    #[error("process {process} cannot listen at {address}")]
    Listen {
        /// The number of this process.
        process: usize,
        /// Its address.
        address: String,
        /// What the system says: often that the address is in use.
        #[source]
        error: io::Error,
    },
    /// The system has no thread or socket left.
    #[error("the system refuses a thread or a socket")]
    System(#[source] io::Error),
    /// Others did not come in time.
    #[error("after {patience:?} nobody was there as {}", Listed(.missing))]
    Missing {
        /// How long this process waited.
        patience: Duration,
        /// Who did not come, in order: at least one.
        missing: Vec<Missing>,
    },
    /// Who answers or came is of another version, or no such process at all.
    #[error(
        "{} began with `{}`, where `{}` was expected: another version, or another service",
        Who(*.process, .address), .found.escape_ascii(), MAGIC.trim_ascii().escape_ascii()
    )]
    Kind {
        /// Which process should be there; unknown of one that came by itself.
        process: Option<usize>,
        /// Where it is.
        address: String,
        /// How what it said begins: a few bytes.
        found: Vec<u8>,
    },
    /// Another process works with another number of processes.
    #[error("process {process} ({address}) counts {theirs} processes, and this one {mine}")]
    Count {
        /// Which.
        process: usize,
        /// Where it is.
        address: String,
        /// How many there are for this one.
        mine: usize,
        /// How many there are for the other.
        theirs: usize,
    },
    /// Another process greets with other bytes. A caller that knows them can say what differs.
    #[error("process {process} ({address}) was started to explore something else")]
    Greeting {
        /// Which.
        process: usize,
        /// Where it is.
        address: String,
        /// The greeting of this process.
        mine: Vec<u8>,
        /// The greeting of the other.
        theirs: Vec<u8>,
    },
    /// Two processes have different lists of addresses: one is not who the other takes it for.
    #[error(
        "{address} says that it is process {from} and speaks to process {to}; this is process \
         {me}: is the list of addresses the same everywhere?"
    )]
    Order {
        /// Where the other is.
        address: String,
        /// The number that it gives itself.
        from: usize,
        /// The number that it gives this process.
        to: usize,
        /// The number of this process.
        me: usize,
    },
    /// Two processes have the same number.
    #[error("number {process} is taken twice, as {address} shows")]
    Taken {
        /// The number.
        process: usize,
        /// The second that has it, or who says that this process is the second.
        address: String,
    },
    /// A process has ended, or it cannot be reached any more.
    #[error("process {process} ({address}) is lost: it has ended, or cannot be reached")]
    Lost {
        /// Which.
        process: usize,
        /// Its address.
        address: String,
    },
    /// A process has left, while this one takes one more round.
    #[error("process {process} ({address}) has left, and this one takes one more round")]
    Left {
        /// Which.
        process: usize,
        /// Its address.
        address: String,
    },
}

/// A process that did not come.
#[derive(Debug)]
pub struct Missing {
    /// Its number.
    pub process: usize,
    /// Its address.
    pub address: String,
    /// What came of the last attempt to reach it, if it is this process that has to.
    pub error: Option<io::Error>,
}

/// Missing processes, one after the other.
struct Listed<'a>(&'a [Missing]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, missing) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}process {} ({}", missing.process, missing.address)?;
            match &missing.error {
                Some(error) => write!(f, ": {error})")?,
                None => f.write_str(")")?,
            }
        }
        Ok(())
    }
}

/// A process, or somebody of whom only the address is known.
struct Who<'a>(Option<usize>, &'a str);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(process) => write!(f, "process {process} ({})", self.1),
            None => write!(f, "who came from {}", self.1),
        }
    }
}
