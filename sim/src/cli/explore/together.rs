//! The processes of an exploration: which there are, and what one of them says of the others.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Map, Value};

use crate::cli::terminal;
use sim_peers::PeersError;
use sim_search::explore::{self, ExploreError, Peers, Tour};
use sim_search::identity;

/// How long the others may take to come.
const PATIENCE: Duration = Duration::from_secs(300);
/// The largest list of processes that is read, in bytes.
const MOST_BYTES: u64 = 1 << 16;

#[derive(Args)]
pub(super) struct Together {
    /// Explore with other processes: a file with a line host:port for each
    #[arg(long, value_name = "FILE", requires = "process")]
    peers: Option<PathBuf>,
    /// Which of them this one is, from 0
    #[arg(long, value_name = "I", requires = "peers")]
    process: Option<u32>,
}

/// The processes, once they are there.
pub(super) struct Processes(Option<sim_peers::Peers>);

impl Together {
    /// Which of how many, if there are others.
    pub fn place(&self) -> Result<Option<String>> {
        let Some((addresses, me)) = self.listed()? else {
            return Ok(None);
        };
        Ok(Some(format!("{me} of {}", addresses.len())))
    }

    fn listed(&self) -> Result<Option<(Vec<String>, usize)>> {
        let (Some(path), Some(process)) = (&self.peers, self.process) else {
            return Ok(None);
        };
        let addresses = addresses(path)?;
        let me = process as usize;
        if me >= addresses.len() {
            let count = addresses.len();
            bail!("--process {me}: {} lists {count}, from 0", path.display());
        }
        Ok(Some((addresses, me)))
    }

    /// Meets the others, who must explore the same.
    pub fn join(&self, greeting: &Value) -> Result<Processes> {
        let Some((addresses, me)) = self.listed()? else {
            return Ok(Processes(None));
        };
        if addresses.len() > 1 {
            let count = addresses.len();
            terminal::note(&format!("process {me} of {count} waits for the others"));
        }
        let greeting = greeting.to_string();
        let peers = sim_peers::Peers::join(&addresses, me, greeting.as_bytes(), PATIENCE);
        Ok(Processes(Some(peers.map_err(told)?)))
    }
}

impl Processes {
    /// Explores with them, by a tour that is given who they are.
    pub fn explore(
        self,
        tour: impl FnOnce(&mut dyn Peers) -> Result<Tour, ExploreError>,
    ) -> Result<Tour> {
        let Some(peers) = self.0 else {
            return Ok(tour(&mut explore::Alone)?);
        };
        let mut joined = Joined(peers);
        let explored = tour(&mut joined).map_err(|error| match error {
            ExploreError::Peers(cause) => match cause.downcast::<PeersError>() {
                Ok(cause) => told(*cause),
                Err(cause) => ExploreError::Peers(cause).into(),
            },
            error => error.into(),
        })?;
        joined.0.leave().map_err(told)?;
        Ok(explored)
    }
}

struct Joined(sim_peers::Peers);

impl Peers for Joined {
    fn count(&self) -> usize {
        self.0.count()
    }

    fn me(&self) -> usize {
        self.0.me()
    }

    fn exchange(&mut self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, explore::PeersError> {
        Ok(self.0.exchange(messages)?)
    }
}

/// A line for each process; empty lines and those that begin with `#` are none.
fn addresses(path: &Path) -> Result<Vec<String>> {
    let shown = || path.display().to_string();
    let metadata = fs::metadata(path).with_context(shown)?;
    if !metadata.is_file() || metadata.len() > MOST_BYTES {
        bail!("{}: expected a file of at most 64 KiB", path.display());
    }
    let text = fs::read_to_string(path).with_context(shown)?;
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let addresses: Vec<String> = lines.map(str::to_owned).collect();
    let most = explore::MOST_PROCESSES;
    if !(1..=most).contains(&addresses.len()) {
        let count = addresses.len();
        let path = path.display();
        bail!("{path}: expected a line host:port for each of 1 to {most} processes, found {count}");
    }
    Ok(addresses)
}

/// What is wrong among processes; where they explore something else, what differs.
fn told(error: PeersError) -> anyhow::Error {
    let differs = match &error {
        PeersError::Greeting { mine, theirs, .. } => difference(mine, theirs),
        _ => None,
    };
    let error = anyhow::Error::new(error);
    match differs {
        Some(differs) => error.context(differs),
        None => error,
    }
}

/// What to do about it.
pub(in crate::cli) fn hint(error: &PeersError) -> Option<&'static str> {
    match error {
        PeersError::Lost { .. } => Some(
            "what it printed says why, if it was not killed; \
             with --checkpoint-dir, start all again with --resume",
        ),
        PeersError::Listen { .. } => {
            Some("its line in --peers is where a process listens itself; is it used already?")
        }
        PeersError::Missing { .. } => Some("start all processes, each with the same --peers"),
        PeersError::Greeting { .. } => Some("give all processes the same world and options"),
        PeersError::Kind { .. } => Some("run the same build of sim everywhere"),
        PeersError::Address { .. }
        | PeersError::Count { .. }
        | PeersError::Number { .. }
        | PeersError::Order { .. }
        | PeersError::Taken { .. } => {
            Some("give all processes the same --peers, and each a --process of its own")
        }
        PeersError::LongGreeting { .. } | PeersError::System(_) | PeersError::Left { .. } => None,
    }
}

/// Where two processes differ.
fn difference(mine: &[u8], theirs: &[u8]) -> Option<String> {
    let read = |bytes| serde_json::from_slice::<Map<String, Value>>(bytes).ok();
    let [name, here, there] = identity::difference(&read(mine)?, &read(theirs)?)?;
    Some(format!(
        "the processes differ: {name} is {there} there, and {here} here"
    ))
}
