//! The processes of one exploration, which exchange bytes in rounds.
//!
//! Messages, rounds and the knowledge that a round is complete are [timely dataflow]'s. Ours are
//! how processes [find each other](Peers::join), what they greet each other with, and that the loss
//! of one is an error for all others. Without the latter they would wait for it for ever.
//!
//! ```
//! use std::time::Duration;
//! use sim_peers::Peers;
//!
//! // One process, number 0 of 1: others are on other machines, with the same list of addresses.
//! let addresses = ["127.0.0.1:7000".to_owned()];
//! let mut peers = Peers::join(&addresses, 0, b"what we explore", Duration::from_secs(60))?;
//! let received = peers.exchange(vec![b"to process 0".to_vec()])?;
//! assert_eq!(received, [b"to process 0"]);
//! peers.leave()?;
//! # Ok::<(), sim_peers::PeersError>(())
//! ```
//!
//! This crate prints nothing, reads no files, and knows nothing of what the bytes mean.
//!
//! - **Trust.** Whoever reaches the port and knows the greeting takes part: nothing is encrypted or
//!   signed. It is for networks of one's own.
//! - **Losses.** A process that ends without leaving, by a return, a panic or a signal, closes its
//!   sockets, and all others are told at once. A machine that falls silent is lost after about 30
//!   seconds; so is a process that was stopped for so long while much was sent to it.
//! - **Memory.** What was sent is copied into buffers of timely's, which has no bound on how much
//!   of it waits for the network; it keeps the buffers for later rounds.
//! - **Versions.** Timely's form of messages has no version. All processes are to be of one build;
//!   the greeting begins with a number that is raised when timely's version is.
//! - **Dependencies.** Timely reads and writes its own progress with `bincode` 1, which is no
//!   longer maintained. It cannot be left out. Our bytes do not go through it.
//!
//! [timely dataflow]: https://docs.rs/timely

mod clock;
mod error;
mod form;
mod greeting;
mod line;
mod meet;
mod rounds;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use timely::communication::allocator::zero_copy::initialize::{
    CommsGuard, initialize_networking_from_sockets,
};
use timely::communication::allocator::{ProcessBuilder, Thread};
use timely::communication::{Allocator, Hooks};

pub use crate::error::{Missing, PeersError};
use crate::line::{Line, Watch};
use crate::rounds::Rounds;

/// The processes of one exploration, as one of them sees them.
///
/// It stays on the thread that made it: that is the one that is woken when something comes. To drop
/// it without [leaving](Peers::leave) is to be lost: its sockets are closed, and all others are
/// told, some perhaps before they know that the last round was complete. Two threads for each other
/// process then sleep until the program ends.
pub struct Peers {
    addresses: Vec<String>,
    me: usize,
    /// None once all have left.
    rounds: Option<Rounds>,
    watch: Arc<Watch>,
    /// The sockets to all others.
    sockets: Vec<Arc<TcpStream>>,
    /// The threads of timely, if there are any. It waits for them when it is dropped.
    threads: Option<CommsGuard>,
}

impl Peers {
    /// Meets all others. It returns when all are there, in any order of coming.
    ///
    /// `addresses` has one `host:port` for each process, in the same order everywhere; this process
    /// is number `me`, and listens at its own. All must have the same `greeting`, of at most a MiB:
    /// what they are to agree about, such as JSON of what is explored. Others may take `patience`
    /// to come. Who connects and is no such process is sent away, and does no harm. A single
    /// process has no socket.
    ///
    /// # Errors
    /// If this process cannot listen, others do not come in time, or one is not as it should be: it
    /// has another greeting, number, list of addresses or version.
    pub fn join(
        addresses: &[String],
        me: usize,
        greeting: &[u8],
        patience: Duration,
    ) -> Result<Peers, PeersError> {
        check(addresses, me, greeting)?;
        if addresses.len() == 1 {
            let allocator = Allocator::Thread(Thread::default());
            return Ok(Peers {
                addresses: addresses.to_vec(),
                me,
                rounds: Some(Rounds::new(allocator)),
                watch: Arc::new(Watch::new(0)),
                sockets: Vec::new(),
                threads: None,
            });
        }
        let address = &addresses[me];
        let listener = TcpListener::bind(address).map_err(|error| PeersError::Listen {
            process: me,
            address: address.clone(),
            error,
        })?;
        Peers::join_at(&listener, addresses, me, greeting, patience)
    }

    /// Meets all others, who come to this listener.
    fn join_at(
        listener: &TcpListener,
        addresses: &[String],
        me: usize,
        greeting: &[u8],
        patience: Duration,
    ) -> Result<Peers, PeersError> {
        let sockets = meet::meet(listener, addresses, me, greeting, patience)?;
        let sockets: Vec<Option<Arc<TcpStream>>> =
            sockets.into_iter().map(|it| it.map(Arc::new)).collect();
        let watch = Arc::new(Watch::new(addresses.len() - 1));
        let line = |(process, socket): (usize, &Option<Arc<TcpStream>>)| {
            let socket = Arc::clone(socket.as_ref()?);
            Some(Line::new(socket, process, Arc::clone(&watch)))
        };
        let lines = sockets.iter().enumerate().map(line).collect();
        let hooks = Hooks::default();
        let local = ProcessBuilder::new_typed_vector(1, hooks.refill.clone(), None);
        let (builders, threads) = initialize_networking_from_sockets(local, lines, me, 1, hooks)
            .map_err(PeersError::System)?;
        let [builder] = <[_; 1]>::try_from(builders)
            .unwrap_or_else(|_| unreachable!("one builder makes one allocator"));
        Ok(Peers {
            addresses: addresses.to_vec(),
            me,
            rounds: Some(Rounds::new(Allocator::Tcp(builder.build()))),
            watch,
            sockets: sockets.into_iter().flatten().collect(),
            threads: Some(threads),
        })
    }

    /// How many processes there are, this one included.
    pub fn count(&self) -> usize {
        self.addresses.len()
    }

    /// The number of this process, from 0.
    pub fn me(&self) -> usize {
        self.me
    }

    /// Takes one round: message `i` goes to process `i`, and what comes back is what each process
    /// sent to this one, by its number. That of this process itself is among both.
    ///
    /// All processes take the same rounds. It returns when all messages of the round have come,
    /// everywhere.
    ///
    /// # Errors
    /// If a process is lost, or has left; there are no rounds after that. A round that is complete
    /// all the same is given first.
    ///
    /// # Panics
    /// If there is not one message for each process.
    pub fn exchange(&mut self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, PeersError> {
        assert_eq!(messages.len(), self.count(), "one message for each process");
        self.nobody_is_lost()?;
        let (me, count) = (self.me, self.count());
        let Some(rounds) = &mut self.rounds else {
            unreachable!("who has left has no peers");
        };
        rounds.send(me, messages);
        while !rounds.is_complete() {
            if let Some(process) = self.watch.lost() {
                return Err(lost(&self.addresses, process));
            }
            rounds.step();
        }
        let name = |(process, message): (usize, Option<Vec<u8>>)| {
            message.ok_or_else(|| PeersError::Left {
                process,
                address: self.addresses[process].clone(),
            })
        };
        let received = rounds.take(count).into_iter().enumerate();
        received.map(name).collect()
    }

    /// Leaves, once nothing more is to be exchanged. It returns when all others leave too: who ends
    /// before the others have heard it out would seem to be lost.
    ///
    /// # Errors
    /// If a process is lost, or ends without leaving. All rounds are complete even so.
    pub fn leave(mut self) -> Result<(), PeersError> {
        while let Some(rounds) = &mut self.rounds {
            rounds.close();
            rounds.step();
            if rounds.is_over() {
                self.rounds = None;
            }
            self.nobody_is_lost()?;
        }
        while self.watch.is_open() {
            self.nobody_is_lost()?;
            thread::park_timeout(Duration::from_secs(1));
        }
        // All of them have nothing more to do.
        self.threads = None;
        Ok(())
    }

    fn nobody_is_lost(&self) -> Result<(), PeersError> {
        match self.watch.lost() {
            Some(process) => Err(lost(&self.addresses, process)),
            None => Ok(()),
        }
    }
}

/// Closes the sockets. The worker and the threads are left where they are: a thread may sleep for
/// ever, and a worker that is dropped by a panic would have others panic.
impl Drop for Peers {
    fn drop(&mut self) {
        for socket in &self.sockets {
            // It may be closed already.
            let _ = socket.shutdown(Shutdown::Both);
        }
        if !self.sockets.is_empty() {
            std::mem::forget(self.rounds.take());
            std::mem::forget(self.threads.take());
        }
    }
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peers")
            .field("me", &self.me)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

fn lost(addresses: &[String], process: usize) -> PeersError {
    PeersError::Lost {
        process,
        address: addresses[process].clone(),
    }
}

/// What can be wrong with what was given, before anybody is spoken to.
fn check(addresses: &[String], me: usize, greeting: &[u8]) -> Result<(), PeersError> {
    let count = addresses.len();
    if me >= count {
        return Err(PeersError::Number { me, count });
    }
    if greeting.len() > form::MOST_BYTES {
        let size = greeting.len();
        return Err(PeersError::LongGreeting { size });
    }
    let is_address = |address: &str| {
        let parts = address.rsplit_once(':');
        let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port != 0);
        parts.is_some_and(|(host, port)| !host.is_empty() && is_port(port))
    };
    match addresses.iter().position(|address| !is_address(address)) {
        Some(process) => Err(PeersError::Address {
            process,
            address: addresses[process].clone(),
        }),
        None => Ok(()),
    }
}
