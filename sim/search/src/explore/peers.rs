//! The processes that explore together: what they tell each other, and what they agree about.
//!
//! All take the same steps, so that each round is the same one for all. How bytes get from one to
//! the other is not known here: see [`Peers`].

use std::error::Error;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ExploreError;

/// Processes of one exploration at the most.
pub const MOST_PROCESSES: usize = 64;

/// Why a round failed, such as the loss of a process.
pub type PeersError = Box<dyn Error + Send + Sync>;

/// The processes of one exploration, of which this is one.
pub trait Peers {
    /// How many there are.
    fn count(&self) -> usize;

    /// Which of them this is, from 0.
    fn me(&self) -> usize;

    /// One round: message `i` goes to process `i`. Gives what each sent to this one.
    ///
    /// # Errors
    /// If the round cannot be ended, for a process was lost. Nor can any after it.
    fn exchange(&mut self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, PeersError>;
}

/// A process that explores on its own.
pub struct Alone;

impl Peers for Alone {
    fn count(&self) -> usize {
        1
    }

    fn me(&self) -> usize {
        0
    }

    fn exchange(&mut self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, PeersError> {
        Ok(messages)
    }
}

/// A round of messages.
pub(super) fn exchange(
    peers: &mut dyn Peers,
    messages: Vec<Vec<u8>>,
) -> Result<Vec<Vec<u8>>, ExploreError> {
    peers.exchange(messages).map_err(ExploreError::Peers)
}

/// Tells all the same bytes, and gives what each told.
pub(super) fn tell(peers: &mut dyn Peers, bytes: &[u8]) -> Result<Vec<Vec<u8>>, ExploreError> {
    let messages = vec![bytes.to_vec(); peers.count()];
    exchange(peers, messages)
}

/// What each process says, by process. Alone, it is what this one says.
pub(super) fn all<T: Serialize + DeserializeOwned>(
    peers: &mut dyn Peers,
    mine: T,
) -> Result<Vec<T>, ExploreError> {
    if peers.count() == 1 {
        return Ok(vec![mine]);
    }
    let unreadable = |error: serde_json::Error| ExploreError::Peers(error.into());
    let told = tell(peers, &serde_json::to_vec(&mine).map_err(unreadable)?)?;
    let said = told.iter().map(|told| serde_json::from_slice(told));
    said.collect::<Result<_, _>>().map_err(unreadable)
}

/// Whether it is so for any of them.
pub(super) fn any(peers: &mut dyn Peers, mine: bool) -> Result<bool, ExploreError> {
    Ok(all(peers, mine)?.contains(&true))
}

/// Sums over all processes, place by place; each says as many numbers.
pub(super) fn sums_of(peers: &mut dyn Peers, mine: &[u64]) -> Result<Vec<u64>, ExploreError> {
    let mut sums = vec![0; mine.len()];
    for of_one in all(peers, mine.to_vec())? {
        let both = sums.iter_mut().zip(of_one);
        both.for_each(|(sum, of_one)| *sum += of_one);
    }
    Ok(sums)
}

/// The same of so many numbers.
pub(super) fn sums<const COUNT: usize>(
    peers: &mut dyn Peers,
    mine: [u64; COUNT],
) -> Result<[u64; COUNT], ExploreError> {
    let sums = sums_of(peers, &mine)?;
    Ok(std::array::from_fn(|place| sums[place]))
}

/// Comes back once all processes are here.
pub(super) fn wait(peers: &mut dyn Peers) -> Result<(), ExploreError> {
    all(peers, ()).map(|_| ())
}
