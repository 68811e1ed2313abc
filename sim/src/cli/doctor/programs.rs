//! Runs the programs of others to see whether they are there: never for longer than a while, and
//! whatever they print.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// So often is a program asked whether it has ended.
const MOST_WAITS: u32 = 500;
/// So long is waited each time: 5 s in all.
const WAIT: Duration = Duration::from_millis(10);
/// The most that is read of what a program prints, in bytes.
const MOST_BYTES: u64 = 64 << 10;

/// What came of running a program.
pub(super) enum Ran {
    /// It ended well, and printed this on standard output.
    Well(String),
    /// It is there, and ended otherwise.
    Failed,
    /// It took too long, and was stopped.
    TooLong,
    /// There is none of this name that can be run.
    Missing,
}

impl Ran {
    /// What it printed, if it ended well.
    pub fn well(self) -> Option<String> {
        match self {
            Ran::Well(text) => Some(text),
            Ran::Failed | Ran::TooLong | Ran::Missing => None,
        }
    }
}

/// Runs a program with arguments, in the present folder. It may not install anything for the sake
/// of it, as rustup would.
pub(super) fn run(program: impl AsRef<OsStr>, arguments: &[&str]) -> Ran {
    let mut command = Command::new(program);
    command.args(arguments).env("RUSTUP_AUTO_INSTALL", "0");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else {
        return Ran::Missing;
    };
    let printed = read(&mut child);
    match wait(&mut child) {
        Err(_) => Ran::Failed,
        Ok(None) => {
            let _ = child.kill().and_then(|()| child.wait());
            Ran::TooLong
        }
        Ok(Some(status)) if !status.success() => Ran::Failed,
        // What it began may hold its output open; what was read until then is thrown away.
        Ok(Some(_)) => Ran::Well(printed.recv_timeout(WAIT * 10).unwrap_or_default()),
    }
}

/// Reads what it prints, so that it is never kept from ending. What is no UTF-8 is replaced.
fn read(child: &mut Child) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut stream) = child.stdout.take() {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stream.by_ref().take(MOST_BYTES).read_to_end(&mut bytes);
            let _ = io::copy(&mut stream, &mut io::sink());
            let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
        });
    }
    receiver
}

fn wait(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    for _ in 0..MOST_WAITS {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::park_timeout(WAIT);
    }
    Ok(None)
}
