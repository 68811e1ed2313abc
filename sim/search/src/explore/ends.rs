//! Whether all that is started can end: from every state, by what goes on by itself.
//!
//! A state in which something is owed (see `Worker::owed`) must lead to one in which nothing is, by
//! decisions without a fault: requests come, messages arrive, timers fire, work answers as it does
//! when nothing goes wrong. Where none does, no schedule ends it, however fair: the run comes to
//! where nothing is left to happen, or goes round for ever (a lasso). So nothing is reported that a
//! fair schedule would end. What is not reported: a run that goes round although it could leave,
//! which is fair only if it may pass by the way out again and again.
//!
//! Of each state only these decisions are kept, four bytes each, in the order in which states were
//! expanded: on disk where memory is short. From the states that owe nothing it is gone back along
//! them until no state is added.
//!
//! Where several processes explore, each keeps the decisions that lead to states of its own, from
//! whatever state, and what those owe. In the end each has a bit for every state, goes back along
//! its decisions, and tells the others; until no process adds a state.

use super::ExploreError;
use super::disk::{Disk, DiskError, Log, Sealed};
use super::numbers::Numbers;
use super::peers::{self, Peers};
use super::visited::Settled;

/// Where the decisions without a fault lead, by the numbers of states.
#[derive(Default)]
pub(super) struct Ends {
    /// The states that each leads to, and after them `NO_MORE`. Those on disk are not among them;
    /// if there are some, these are places among the states that are not settled.
    successors: Vec<u32>,
    /// Of each state that was met and settled, whether something is owed in it.
    owes: Bits,
    /// The same of those that are not settled.
    pending: Vec<bool>,
    expanded: usize,
    on_disk: Option<OnDisk>,
}

struct OnDisk {
    successors: Log,
    owes: Log,
}

/// Ends the successors of a state.
const NO_MORE: u32 = u32::MAX;
/// A successor that is not looked at: there it may end.
const AWAY: u32 = u32::MAX - 1;
const NUMBER_BYTES: usize = size_of::<u32>();
/// Numbers that are read at once.
const PART: usize = 1 << 16;

impl Ends {
    /// A state was met that may be new.
    pub fn meet(&mut self, owes: bool) {
        match self.on_disk {
            None => self.owes.push(owes),
            Some(_) => self.pending.push(owes),
        }
    }

    /// The state that is being expanded leads to another by a decision without a fault.
    pub fn lead_to(&mut self, number: u32) {
        self.successors.push(number);
    }

    /// It leads to where nothing is looked at.
    pub fn lead_away(&mut self) {
        self.successors.push(AWAY);
    }

    /// The state that was being expanded leads nowhere else.
    pub fn expanded(&mut self) {
        self.successors.push(NO_MORE);
        self.expanded += 1;
    }

    /// What is held in memory.
    pub fn size_bytes(&self) -> usize {
        let owes = self.owes.count / 8 + self.pending.len();
        self.successors.len() * NUMBER_BYTES + owes
    }

    /// Puts on disk where states lead, now that their numbers are known: what of those that were
    /// met is new, if there were some on disk already.
    pub fn settle(&mut self, disk: &Disk, settled: Option<&Settled>) -> Result<(), DiskError> {
        let first = match self.on_disk {
            None => 0,
            Some(_) => self.owes.count,
        };
        if let Some(settled) = settled {
            let new = settled.is_new.iter().zip(&self.pending);
            let new = new.filter_map(|(is_new, owes)| is_new.then_some(*owes));
            new.for_each(|owes| self.owes.push(owes));
            for successor in &mut self.successors {
                if let Some(number) = settled.numbers.get(*successor as usize) {
                    *successor = *number;
                }
            }
        }
        self.pending.clear();
        let on_disk = match &mut self.on_disk {
            Some(on_disk) => on_disk,
            none => none.insert(OnDisk {
                successors: Log::create(disk, "successors".to_owned())?,
                owes: Log::create(disk, "owes".to_owned())?,
            }),
        };
        for successor in self.successors.drain(..) {
            on_disk.successors.append(&successor.to_le_bytes())?;
        }
        for state in first..self.owes.count {
            on_disk.owes.append(&[u8::from(self.owes.get(state))])?;
        }
        on_disk.successors.flush()?;
        on_disk.owes.flush()
    }

    /// The states from which none is reached that owes nothing, in order. Of states that were not
    /// expanded it is not known.
    pub fn without(mut self) -> Result<Vec<u32>, ExploreError> {
        // From here on: whether none is known yet to be reached.
        let mut owes = std::mem::take(&mut self.owes);
        owes.clear_from(self.expanded);
        while self.go_back(None, &mut owes)? {}
        Ok(owes.set().collect())
    }

    /// The same among several processes: of which numbers the states are that were met here, and
    /// how many there are of all.
    pub fn without_among(
        mut self,
        peers: &mut dyn Peers,
        (numbers, count): (&Numbers, usize),
    ) -> Result<Vec<u32>, ExploreError> {
        let own = std::mem::take(&mut self.owes);
        let mut all = Bits::with(count);
        for_each(numbers, |place, number| {
            if own.get(place) {
                all.set_bit(number as usize);
            }
        })?;
        for of_other in peers::tell(peers, &all.bytes())? {
            all.join(&of_other);
        }
        all.clear_from(self.expanded);
        let mut children = own;
        loop {
            for_each(numbers, |place, number| {
                if !all.get(number as usize) {
                    children.clear(place);
                }
            })?;
            let is_added = self.go_back(Some(&children), &mut all)?;
            if !peers::any(peers, is_added)? {
                return Ok(all.set().collect());
            }
            for of_other in peers::tell(peers, &all.bytes())? {
                all.meet(&of_other);
            }
        }
    }

    /// Goes once through all states, the last ones first, since most decisions lead to later ones.
    /// Whether a state was added. What `children` owe is looked up there, if they have places that
    /// are not their numbers.
    fn go_back(&self, children: Option<&Bits>, owes: &mut Bits) -> Result<bool, DiskError> {
        let mut back = Back {
            state: self.expanded,
            reaches: false,
            is_added: false,
        };
        for successor in self.successors.iter().rev() {
            back.take(*successor, children, owes);
        }
        if let Some(OnDisk { successors, .. }) = &self.on_disk {
            let mut part = vec![0; PART * NUMBER_BYTES];
            let mut end = successors.len();
            while end > 0 {
                let bytes = end.min(part.len() as u64);
                let part = &mut part[..bytes as usize];
                end -= bytes;
                successors.read(end, part)?;
                for number in part.rchunks_exact(NUMBER_BYTES) {
                    back.take(number_of(number), children, owes);
                }
            }
        }
        // The first state is the last to be closed.
        back.take(NO_MORE, children, owes);
        Ok(back.is_added)
    }

    /// Those of a checkpoint.
    pub fn open(disk: &Disk, [successors, owes]: &[Sealed; 2]) -> Result<Ends, DiskError> {
        let mut ends = Ends::default();
        let successors = Log::open(disk, successors, |part| {
            let numbers = part.chunks_exact(NUMBER_BYTES).map(number_of);
            ends.expanded += numbers.filter(|number| *number == NO_MORE).count();
        })?;
        let owes = Log::open(disk, owes, |part| {
            part.iter().for_each(|owes| ends.owes.push(*owes != 0));
        })?;
        ends.on_disk = Some(OnDisk { successors, owes });
        Ok(ends)
    }

    /// Of those that were settled: writes them to the disk, to stay.
    pub fn seal(&mut self, disk: &Disk) -> Result<[Sealed; 2], DiskError> {
        if self.on_disk.is_none() {
            self.settle(disk, None)?;
        }
        match &mut self.on_disk {
            Some(on_disk) => Ok([on_disk.successors.seal()?, on_disk.owes.seal()?]),
            None => unreachable!("they were put there"),
        }
    }
}

/// A bit for each state.
#[derive(Default)]
struct Bits {
    words: Vec<u64>,
    count: usize,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.count.is_multiple_of(64) {
            self.words.push(0);
        }
        if let Some(last) = self.words.last_mut() {
            *last |= u64::from(bit) << (self.count % 64);
        }
        self.count += 1;
    }

    /// False of a state that there is not.
    fn get(&self, state: usize) -> bool {
        let word = self.words.get(state / 64);
        word.is_some_and(|word| word >> (state % 64) & 1 == 1)
    }

    fn clear(&mut self, state: usize) {
        if let Some(word) = self.words.get_mut(state / 64) {
            *word &= !(1 << (state % 64));
        }
    }

    /// Clears those of this state and all after it.
    fn clear_from(&mut self, first: usize) {
        (first..self.count).for_each(|state| self.clear(state));
    }

    /// The states whose bit is set.
    fn set(&self) -> impl Iterator<Item = u32> {
        let states = (0..self.count).filter(|state| self.get(*state));
        states.map(|state| state as u32)
    }

    /// So many, none of them set.
    fn with(count: usize) -> Bits {
        Bits {
            words: vec![0; count.div_ceil(64)],
            count,
        }
    }

    fn set_bit(&mut self, state: usize) {
        if let Some(word) = self.words.get_mut(state / 64) {
            *word |= 1 << (state % 64);
        }
    }

    /// As another process reads them, little endian.
    fn bytes(&self) -> Vec<u8> {
        let words = self.words.iter();
        words.flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Sets what is set in one of the two.
    fn join(&mut self, bytes: &[u8]) {
        let others = bytes.as_chunks().0.iter().map(|it| u64::from_le_bytes(*it));
        let words = self.words.iter_mut().zip(others);
        words.for_each(|(word, other)| *word |= other);
    }

    /// Clears what is not set in both.
    fn meet(&mut self, bytes: &[u8]) {
        let others = bytes.as_chunks().0.iter().map(|it| u64::from_le_bytes(*it));
        let words = self.words.iter_mut().zip(others);
        words.for_each(|(word, other)| *word &= other);
    }
}

/// The places of all states that were met here, each with its number among those of all.
fn for_each(numbers: &Numbers, mut take: impl FnMut(usize, u32)) -> Result<(), DiskError> {
    let mut place = 0;
    while place < numbers.count() {
        for number in numbers.some_from(place, PART)? {
            take(place, number);
            place += 1;
        }
    }
    Ok(())
}

fn number_of(bytes: &[u8]) -> u32 {
    let mut number = [0; NUMBER_BYTES];
    number.copy_from_slice(bytes);
    u32::from_le_bytes(number)
}

/// On the way back through the successors of all states.
struct Back {
    /// Whose successors these are.
    state: usize,
    /// Whether one of them reaches a state that owes nothing.
    reaches: bool,
    is_added: bool,
}

impl Back {
    fn take(&mut self, successor: u32, children: Option<&Bits>, owes: &mut Bits) {
        if successor != NO_MORE {
            let children = children.unwrap_or(owes);
            self.reaches |= successor == AWAY || !children.get(successor as usize);
            return;
        }
        // Those of the state before begin here.
        if self.reaches && owes.get(self.state) {
            self.is_added = true;
            owes.clear(self.state);
        }
        self.state = self.state.saturating_sub(1);
        self.reaches = false;
    }
}
