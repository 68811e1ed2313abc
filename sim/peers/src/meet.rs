//! How processes find each other: each connects to all that have a lower number, and accepts those
//! with a higher one. What comes out is one socket for each pair, greeted and ready for timely.
//!
//! Timely has a function for that too. It prints to standard output, tries for ever, and believes
//! whoever connects; here all of that has an end, and is an error that says what is wrong.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use crate::clock::now;
use crate::error::{Missing, PeersError};
use crate::greeting::{Conversation, Greeting, TAKEN, Unread, WELCOME};

/// The most that are greeted at once; more wait in the queue of the listener.
const MOST_VISITORS: usize = 64;
/// How long to wait before the next attempt to reach a process.
const PAUSE: Duration = Duration::from_millis(50);
/// How often to look for who came, who was lost, and what time it is.
const TICK: Duration = Duration::from_millis(5);
/// How long one attempt to reach one address may take.
const ATTEMPT: Duration = Duration::from_secs(3);

/// How a machine is noticed that has lost its power or its cable: it closes nothing. After so long
/// without a byte it is asked whether it is there,
const IDLE: Duration = Duration::from_secs(10);
/// and again after each of these,
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// so many times.
const ASK_TIMES: u32 = 3;
/// Bytes that were sent must be acknowledged in this time: while some are under way, nobody asks.
#[cfg(target_os = "linux")]
const ACKNOWLEDGED: Duration = Duration::from_secs(30);

/// What all threads know while processes meet.
struct Meeting {
    addresses: Vec<String>,
    me: usize,
    greeting: Vec<u8>,
    /// Nobody waits any more.
    over: AtomicBool,
    /// Who is there already.
    taken: Vec<AtomicBool>,
}

/// What a thread has to tell.
enum News {
    /// A process is there.
    Met(usize, TcpStream),
    /// An attempt to reach a process failed; the next follows.
    Failed(usize, io::Error),
    /// A process is not as it should be.
    Wrong(PeersError),
}

/// Why there is no socket to somebody.
enum Refusal {
    /// It may be there later, or it was a stranger.
    Io(io::Error),
    /// It will not get better.
    Wrong(PeersError),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::Io(error)
    }
}

impl From<PeersError> for Refusal {
    fn from(error: PeersError) -> Refusal {
        Refusal::Wrong(error)
    }
}

#[expect(clippy::disallowed_methods, reason = "others take real time to come")]
fn sleep(duration: Duration) {
    thread::sleep(duration);
}

/// A socket to each other process, by number; of this one there is none.
pub(crate) fn meet(
    listener: &TcpListener,
    addresses: &[String],
    me: usize,
    greeting: &[u8],
    patience: Duration,
) -> Result<Vec<Option<TcpStream>>, PeersError> {
    let meeting = Arc::new(Meeting {
        addresses: addresses.to_vec(),
        me,
        greeting: greeting.to_vec(),
        over: AtomicBool::new(false),
        taken: addresses.iter().map(|_| AtomicBool::new(false)).collect(),
    });
    let sockets = gather(&meeting, listener, patience);
    meeting.over.store(true, Ordering::Relaxed);
    let sockets = sockets?;
    for socket in sockets.iter().flatten() {
        make_ready(socket).map_err(PeersError::System)?;
    }
    Ok(sockets)
}

/// Starts the threads that reach and greet others, and takes what they tell until all are there.
fn gather(
    meeting: &Arc<Meeting>,
    listener: &TcpListener,
    patience: Duration,
) -> Result<Vec<Option<TcpStream>>, PeersError> {
    let end = now() + patience;
    let (sender, news) = mpsc::channel();
    listener.set_nonblocking(true).map_err(PeersError::System)?;
    for process in 0..meeting.me {
        let (meeting, sender) = (Arc::clone(meeting), sender.clone());
        spawn(move || reach(&meeting, process, &sender)).map_err(PeersError::System)?;
    }
    let mut sockets: Vec<Option<TcpStream>> = meeting.addresses.iter().map(|_| None).collect();
    let mut errors: Vec<Option<io::Error>> = meeting.addresses.iter().map(|_| None).collect();
    let visitors = Arc::new(());
    loop {
        accept(meeting, listener, &visitors, &sender);
        hear(&news, &mut sockets, &mut errors)?;
        if let Some(process) = closed(&sockets) {
            let address = meeting.addresses[process].clone();
            return Err(PeersError::Lost { process, address });
        }
        let there = |process: &usize| *process == meeting.me || sockets[*process].is_some();
        let missing: Vec<usize> = (0..sockets.len())
            .filter(|process| !there(process))
            .collect();
        if missing.is_empty() {
            return Ok(sockets);
        }
        if now() >= end {
            let name = |process: usize| Missing {
                process,
                address: meeting.addresses[process].clone(),
                error: errors[process].take(),
            };
            let missing = missing.into_iter().map(name).collect();
            return Err(PeersError::Missing { patience, missing });
        }
    }
}

/// Takes what threads tell within a tick.
fn hear(
    news: &Receiver<News>,
    sockets: &mut [Option<TcpStream>],
    errors: &mut [Option<io::Error>],
) -> Result<(), PeersError> {
    let first = news.recv_timeout(TICK).ok();
    for told in first.into_iter().chain(news.try_iter()) {
        match told {
            News::Met(process, socket) => sockets[process] = Some(socket),
            News::Failed(process, error) => errors[process] = Some(error),
            News::Wrong(error) => return Err(error),
        }
    }
    Ok(())
}

/// A process that was there, and has closed its socket while others are still waited for.
fn closed(sockets: &[Option<TcpStream>]) -> Option<usize> {
    let is_closed = |socket: &TcpStream| {
        let _ = socket.set_nonblocking(true);
        match socket.peek(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    };
    sockets
        .iter()
        .position(|socket| socket.as_ref().is_some_and(is_closed))
}

/// Accepts who is waiting, each to be greeted on a thread of its own. What fails here concerns one
/// visitor, or comes again.
fn accept(
    meeting: &Arc<Meeting>,
    listener: &TcpListener,
    visitors: &Arc<()>,
    sender: &Sender<News>,
) {
    while Arc::strong_count(visitors) <= MOST_VISITORS {
        let Ok((socket, address)) = listener.accept() else {
            return;
        };
        let (meeting, sender) = (Arc::clone(meeting), sender.clone());
        let visitor = Arc::clone(visitors);
        let _ = spawn(move || {
            let told = match welcome(&meeting, &socket, &address.to_string()) {
                Ok(process) => News::Met(process, socket),
                Err(Refusal::Wrong(error)) => News::Wrong(error),
                Err(Refusal::Io(_)) => return,
            };
            let _ = sender.send(told);
            drop(visitor);
        });
    }
}

fn spawn(run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new()
        .name("peers:greet".to_owned())
        .spawn(run)
        .map(drop)
}

/// Greets who came from this address, and gives its number.
fn welcome(meeting: &Meeting, socket: &TcpStream, address: &str) -> Result<usize, Refusal> {
    socket.set_nonblocking(false)?;
    let mut conversation = Conversation::new(socket);
    let theirs = match Greeting::read(&mut conversation) {
        Ok(theirs) => theirs,
        Err(Unread::Io(error)) => return Err(error.into()),
        Err(Unread::Kind { found, related }) => {
            if !related {
                return Err(io::Error::from(io::ErrorKind::InvalidData).into());
            }
            conversation.write_all(&meeting.greeting_to(0).bytes())?;
            conversation.end();
            return Err(PeersError::Kind {
                process: None,
                address: address.to_owned(),
                found,
            }
            .into());
        }
    };
    let process = theirs.from;
    let mine = meeting.greeting_to(process);
    let is_taken = |taken: &AtomicBool| taken.load(Ordering::Acquire);
    let verdict = match meeting.taken.get(process).is_some_and(is_taken) {
        true => TAKEN,
        false => WELCOME,
    };
    conversation.write_all(&mine.bytes())?;
    conversation.write_all(&[verdict])?;
    mine.check(&theirs, address)?;
    if process <= meeting.me || process >= meeting.addresses.len() {
        return Err(PeersError::Order {
            address: address.to_owned(),
            from: process,
            to: theirs.to,
            me: meeting.me,
        }
        .into());
    }
    // Without this, one that gave up on a slow answer and came again would be two.
    if verdict == WELCOME {
        conversation.read_exact(&mut [0])?;
    }
    if meeting.taken[process].swap(true, Ordering::AcqRel) {
        let address = address.to_owned();
        return Err(PeersError::Taken { process, address }.into());
    }
    Ok(process)
}

/// Tries to reach a process until it is there, or something is wrong, or nobody waits any more.
fn reach(meeting: &Meeting, process: usize, sender: &Sender<News>) {
    while !meeting.over.load(Ordering::Relaxed) {
        match connect(&meeting.addresses[process]).and_then(|socket| {
            introduce(meeting, process, &socket)?;
            Ok(socket)
        }) {
            Ok(socket) => {
                let _ = sender.send(News::Met(process, socket));
                return;
            }
            Err(Refusal::Wrong(error)) => {
                let _ = sender.send(News::Wrong(error));
                return;
            }
            Err(Refusal::Io(error)) => {
                let _ = sender.send(News::Failed(process, error));
                sleep(PAUSE);
            }
        }
    }
}

/// Connects to the first that accepts of all that an address stands for.
fn connect(address: &str) -> Result<TcpStream, Refusal> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for place in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&place, ATTEMPT) {
            // Where nobody listens yet, the system may choose that very port for this end: then it
            // is connected to itself.
            Ok(socket) if socket.local_addr()? == socket.peer_addr()? => {
                last = io::Error::from(io::ErrorKind::ConnectionRefused);
            }
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last.into())
}

/// Greets a process that this one has connected to.
fn introduce(meeting: &Meeting, process: usize, socket: &TcpStream) -> Result<(), Refusal> {
    let mine = meeting.greeting_to(process);
    let address = &meeting.addresses[process];
    let mut conversation = Conversation::new(socket);
    conversation.write_all(&mine.bytes())?;
    let theirs = match Greeting::read(&mut conversation) {
        Ok(theirs) => theirs,
        Err(Unread::Io(error)) => return Err(error.into()),
        Err(Unread::Kind { found, .. }) => {
            return Err(PeersError::Kind {
                process: Some(process),
                address: address.clone(),
                found,
            }
            .into());
        }
    };
    mine.check(&theirs, address)?;
    let mut verdict = [0];
    conversation.read_exact(&mut verdict)?;
    if verdict == [TAKEN] {
        return Err(PeersError::Taken {
            process: meeting.me,
            address: address.clone(),
        }
        .into());
    }
    conversation.write_all(&[WELCOME])?;
    Ok(())
}

impl Meeting {
    fn greeting_to(&self, process: usize) -> Greeting {
        Greeting {
            from: self.me,
            to: process,
            count: self.addresses.len(),
            what: self.greeting.clone(),
        }
    }
}

/// Makes a socket blocking, prompt, and attentive to machines that fall silent.
fn make_ready(socket: &TcpStream) -> io::Result<()> {
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(None)?;
    socket.set_write_timeout(None)?;
    socket.set_nodelay(true)?;
    let options = SockRef::from(socket);
    let ask = TcpKeepalive::new()
        .with_time(IDLE)
        .with_interval(ASK_AGAIN)
        .with_retries(ASK_TIMES);
    options.set_tcp_keepalive(&ask)?;
    #[cfg(target_os = "linux")]
    options.set_tcp_user_timeout(Some(ACKNOWLEDGED))?;
    Ok(())
}
