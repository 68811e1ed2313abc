//! The compiler in a process of its own, under a budget of time and memory.
//!
//! What the bounds of `shape` let through is compiled in a second or a few. Should there be a shape
//! that they do not cover, the system ends the child, and the parent says so. The budget is so
//! large that it decides nothing else: the largest module that could be found takes a small part.
//!
//! Only the command `sim` does so, as it can start itself. Where there is no child, as in a program
//! that uses this library, or where none can be started, the compiler runs in the process itself.

use std::env;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::LoadError;
use super::compile::{compile, key, unsupported};
use super::engine::{self, Making};
use sim_air::Hash;

/// Processor time of one compilation, all its threads together.
const PROCESSOR_SECONDS: u64 = 120;

/// Time that passes. A machine that is busy with other things may need much of it.
const WALL_SECONDS: u64 = 600;

/// Address space of the child.
const MEMORY_BYTES: u64 = 4 << 30;

/// After so long a message says what takes the time.
const PATIENCE: Duration = Duration::from_secs(1);

/// The argument that makes the command a child.
const ARGUMENT: &str = "__compile-for-parent";

/// The first byte of what a child says: code follows, or why there is none, or nothing: for it
/// would compile for something else than its parent wants, as where the parent runs in an emulator.
const DONE: u8 = b'c';
const REFUSED: u8 = b'r';
const OTHER: u8 = b'o';

/// Who says what takes long. It is set where the command begins.
static NOTE: OnceLock<fn(&str)> = OnceLock::new();

/// From now on this process compiles in children of itself, and says by `note` if that takes long.
/// Its `main` must begin with [`serve_parent`].
pub fn compile_in_children(note: fn(&str)) {
    let _ = NOTE.set(note);
}

/// Whether this process was started to compile for its parent; then that is done.
pub fn serve_parent() -> bool {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let texts = arguments.iter().map(|argument| argument.to_str());
    let texts: Vec<_> = texts.collect();
    let [Some(ARGUMENT), making, key] = texts[..] else {
        return false;
    };
    let making = making.and_then(Making::parse);
    let key = key.and_then(|key| key.parse::<Hash>().ok());
    if let Some((making, key)) = making.zip(key) {
        limit();
        // A parent that is gone wants nothing.
        let _ = answer(making, key);
    }
    true
}

fn answer(making: Making, wanted: Hash) -> io::Result<()> {
    let mut wasm = Vec::new();
    io::stdin().lock().read_to_end(&mut wasm)?;
    let (tag, bytes) = match engine::for_compiling(making, false) {
        Ok(engine) if key(&engine, &wasm) == wanted => match compile(making, &wasm) {
            Ok(code) => (DONE, code),
            Err(error) => (REFUSED, format!("{error:#}").into_bytes()),
        },
        _ => (OTHER, Vec::new()),
    };
    let mut out = io::stdout().lock();
    out.write_all(&[tag])?;
    out.write_all(&bytes)?;
    out.flush()
}

/// Bounds this process. What can't be bounded is left to its parent.
#[cfg(unix)]
fn limit() {
    use nix::sys::resource::{Resource, setrlimit};

    // The hard limit is later, so that the signal tells what has ended it.
    let _ = setrlimit(
        Resource::RLIMIT_CPU,
        PROCESSOR_SECONDS,
        PROCESSOR_SECONDS + 5,
    );
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    #[cfg(not(target_vendor = "apple"))]
    let _ = setrlimit(Resource::RLIMIT_AS, MEMORY_BYTES, MEMORY_BYTES);
}

#[cfg(not(unix))]
fn limit() {}

/// What a child makes of `wasm`; None if there is no child.
pub(super) fn compile_apart(
    making: Making,
    wasm: &[u8],
    key: Hash,
) -> Option<Result<Vec<u8>, LoadError>> {
    let note = NOTE.get()?;
    let mut child = Command::new(env::current_exe().ok()?)
        .arg(ARGUMENT)
        .arg(making.name())
        .arg(key.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let said = talk(&mut child, wasm, *note);
    if !matches!(said, Some(Ok(_))) {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    match said {
        None => Some(Err(stopped(format!("it took more than {WALL_SECONDS} s")))),
        Some(Err(_)) => None,
        Some(Ok(said)) => match (said.split_first(), status.success()) {
            (Some((&DONE, code)), true) => Some(Ok(code.to_vec())),
            (Some((&REFUSED, why)), true) => Some(Err(unsupported(&String::from_utf8_lossy(why)))),
            (_, true) => None,
            (_, false) => ended(status).map(Err),
        },
    }
}

/// Gives the child its work, and waits for what it says; None if that takes too long.
fn talk(child: &mut Child, wasm: &[u8], note: fn(&str)) -> Option<io::Result<Vec<u8>>> {
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Some(Err(io::ErrorKind::BrokenPipe.into()));
    };
    // It reads all before it says anything. If it does not, its end tells why.
    let _ = stdin.write_all(wasm);
    drop(stdin);
    let (sender, receiver) = mpsc::channel();
    let reader = thread::Builder::new().spawn(move || {
        let mut said = Vec::new();
        let read = stdout.read_to_end(&mut said).map(|_| said);
        let _ = sender.send(read);
    });
    if let Err(error) = reader {
        return Some(Err(error));
    }
    let mut said = receiver.recv_timeout(PATIENCE);
    if matches!(said, Err(RecvTimeoutError::Timeout)) {
        note("note: compiling the wasm, which takes a while; the code is kept for the next time");
        said = receiver.recv_timeout(Duration::from_secs(WALL_SECONDS));
    }
    said.ok()
}

fn stopped(reason: String) -> LoadError {
    LoadError::CompilerStopped { reason }
}

/// Why a child has ended before it was done; None if that was for no reason of its work's.
#[cfg(unix)]
fn ended(status: ExitStatus) -> Option<LoadError> {
    use std::os::unix::process::ExitStatusExt;

    use nix::sys::signal::Signal;

    const PANICKED: i32 = 101;
    if status.code() == Some(PANICKED) {
        return Some(stopped("it fails on this module".to_owned()));
    }
    let signal = Signal::try_from(status.signal()?).ok()?;
    let reason = match signal {
        Signal::SIGXCPU => format!("it took more than {PROCESSOR_SECONDS} s of processor time"),
        // That is how a program ends that gets no memory.
        Signal::SIGABRT => format!(
            "it got no more memory, of which it may have {} MiB",
            memory_bytes() >> 20
        ),
        other => format!("it was ended by {other}"),
    };
    Some(stopped(reason))
}

/// What a child may have, which is less if this process may.
#[cfg(unix)]
fn memory_bytes() -> u64 {
    use nix::sys::resource::{Resource, getrlimit};

    #[cfg(not(target_vendor = "apple"))]
    if let Ok((limit, _)) = getrlimit(Resource::RLIMIT_AS) {
        return limit.min(MEMORY_BYTES);
    }
    MEMORY_BYTES
}

#[cfg(not(unix))]
fn ended(status: ExitStatus) -> Option<LoadError> {
    let code = status.code().unwrap_or_default();
    Some(stopped(format!("it ended with exit code {code}")))
}
