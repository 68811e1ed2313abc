//! Sorted runs of keys on disk, each key once in all of them, with the number of its state: what
//! was met before what is in memory.
//!
//! A batch of keys is looked up in all runs at once, in their order, so that a run is read from its
//! beginning to its end, and where keys are few only in parts. This is delayed duplicate detection
//! (Stern and Dill, "Using Magnetic Disk instead of Main Memory in the Murφ Verifier", 1998; Korf,
//! "Best-First Frontier Search with Delayed Duplicate Detection", 2004). Runs of like size are
//! merged, so that there are few.

use super::{Disk, DiskError, Log, Sealed};

/// A key and the number of its state.
pub(in super::super) type Numbered = (u128, u32);

const KEY_BYTES: usize = size_of::<u128>();
const ENTRY_BYTES: usize = KEY_BYTES + size_of::<u32>();
/// Keys of a block: the first of each block is held in memory, so about a byte for 64 keys.
const BLOCK: usize = 1_024;
/// Stands for the number of a state that is in no run.
pub(in super::super) const NONE: u32 = u32::MAX;

/// A sorted run of keys.
pub(in super::super) struct Run {
    log: Log,
    keys: u64,
    /// The first key of each block.
    firsts: Vec<u128>,
}

/// All runs, the larger ones first.
#[derive(Default)]
pub(in super::super) struct Runs {
    runs: Vec<Run>,
    /// How many there have been: names are not used again.
    made: u64,
}

impl Run {
    fn create(disk: &Disk, name: String) -> Result<Run, DiskError> {
        Ok(Run {
            log: Log::create(disk, name)?,
            keys: 0,
            firsts: Vec::new(),
        })
    }

    fn open(disk: &Disk, sealed: &Sealed) -> Result<Run, DiskError> {
        let log = Log::open(disk, sealed, |_| {})?;
        let mut run = Run {
            keys: log.len() / ENTRY_BYTES as u64,
            log,
            firsts: Vec::new(),
        };
        let mut entries = Vec::new();
        for block in 0..(run.keys as usize).div_ceil(BLOCK) {
            run.block(block, &mut entries)?;
            run.firsts.extend(entries.first().map(|(key, _)| *key));
        }
        Ok(run)
    }

    fn push(&mut self, (key, number): Numbered) -> Result<(), DiskError> {
        if (self.keys as usize).is_multiple_of(BLOCK) {
            self.firsts.push(key);
        }
        self.keys += 1;
        self.log.append(&key.to_le_bytes())?;
        self.log.append(&number.to_le_bytes())
    }

    /// Reads a block into `out`.
    fn block(&self, block: usize, out: &mut Vec<Numbered>) -> Result<(), DiskError> {
        let first = block * BLOCK;
        let count = (self.keys as usize - first).min(BLOCK);
        let mut bytes = [0; BLOCK * ENTRY_BYTES];
        let bytes = &mut bytes[..count * ENTRY_BYTES];
        self.log.read((first * ENTRY_BYTES) as u64, bytes)?;
        out.clear();
        out.extend(bytes.chunks_exact(ENTRY_BYTES).map(entry_of));
        Ok(())
    }

    /// The numbers of those of the sorted keys that are in it, by the place beside each.
    fn look_up(&self, sorted: &[(u128, u32)], numbers: &mut [u32]) -> Result<(), DiskError> {
        let mut keys = Vec::with_capacity(BLOCK);
        let (mut at, mut next) = (0, 0);
        while at < sorted.len() {
            // The last block that begins with no larger key.
            let before = self.firsts[next..].partition_point(|first| *first <= sorted[at].0);
            let Some(block) = (next + before).checked_sub(1) else {
                at += sorted[at..].partition_point(|(key, _)| *key < self.firsts[0]);
                continue;
            };
            next = block + 1;
            let end = self.firsts.get(next);
            self.block(block, &mut keys)?;
            let mut of_block = keys.iter();
            let mut own = of_block.next();
            while let Some((key, place)) = sorted.get(at) {
                if end.is_some_and(|end| key >= end) {
                    break;
                }
                while own.is_some_and(|(own, _)| own < key) {
                    own = of_block.next();
                }
                if let Some((_, number)) = own.filter(|(own, _)| own == key) {
                    numbers[*place as usize] = *number;
                }
                at += 1;
            }
        }
        Ok(())
    }
}

fn entry_of(bytes: &[u8]) -> Numbered {
    let mut key = [0; KEY_BYTES];
    let mut number = [0; ENTRY_BYTES - KEY_BYTES];
    key.copy_from_slice(&bytes[..KEY_BYTES]);
    number.copy_from_slice(&bytes[KEY_BYTES..]);
    (u128::from_le_bytes(key), u32::from_le_bytes(number))
}

/// The keys of a run in their order.
struct Reader<'a> {
    run: &'a Run,
    block: usize,
    keys: std::vec::IntoIter<Numbered>,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<Option<Numbered>, DiskError> {
        if let Some(key) = self.keys.next() {
            return Ok(Some(key));
        }
        if self.block == self.run.firsts.len() {
            return Ok(None);
        }
        let mut keys = Vec::new();
        self.run.block(self.block, &mut keys)?;
        self.block += 1;
        self.keys = keys.into_iter();
        Ok(self.keys.next())
    }
}

impl Runs {
    /// Those that a checkpoint has.
    pub fn open(disk: &Disk, sealed: &[Sealed], made: u64) -> Result<Runs, DiskError> {
        let runs = sealed.iter().map(|sealed| Run::open(disk, sealed));
        Ok(Runs {
            runs: runs.collect::<Result<_, _>>()?,
            made,
        })
    }

    /// Writes all to the disk; with how many there have been.
    pub fn seal(&mut self) -> Result<(Vec<Sealed>, u64), DiskError> {
        let sealed: Result<_, _> = self.runs.iter_mut().map(|run| run.log.seal()).collect();
        Ok((sealed?, self.made))
    }

    /// What is held in memory.
    pub fn size_bytes(&self) -> usize {
        let firsts = self.runs.iter().map(|run| run.firsts.len());
        firsts.sum::<usize>() * KEY_BYTES
    }

    /// The numbers of the states of these sorted keys, or [`NONE`], by the place that stands beside
    /// each.
    pub fn look_up(&self, sorted: &[(u128, u32)]) -> Result<Vec<u32>, DiskError> {
        let mut numbers = vec![NONE; sorted.len()];
        for run in &self.runs {
            run.look_up(sorted, &mut numbers)?;
        }
        Ok(numbers)
    }

    /// Takes in sorted keys, which are in none yet.
    pub fn add(
        &mut self,
        disk: &mut Disk,
        keys: impl Iterator<Item = Numbered>,
    ) -> Result<(), DiskError> {
        let mut keys = keys.peekable();
        if keys.peek().is_none() {
            return Ok(());
        }
        let mut run = self.create(disk)?;
        for key in keys {
            run.push(key)?;
        }
        run.log.flush()?;
        while let Some(last) = self.runs.pop_if(|last| last.keys <= 2 * run.keys) {
            let both = self.merged(disk, &last, &run)?;
            disk.retire(&last.log);
            disk.retire(&run.log);
            run = both;
        }
        self.runs.push(run);
        Ok(())
    }

    fn create(&mut self, disk: &Disk) -> Result<Run, DiskError> {
        self.made += 1;
        Run::create(disk, format!("keys-{}", self.made))
    }

    fn merged(&mut self, disk: &Disk, one: &Run, other: &Run) -> Result<Run, DiskError> {
        let mut both = self.create(disk)?;
        let reader = |run| Reader {
            run,
            block: 0,
            keys: Vec::new().into_iter(),
        };
        let (mut one, mut other) = (reader(one), reader(other));
        let (mut left, mut right) = (one.next()?, other.next()?);
        loop {
            match (left, right) {
                (Some(key), Some(further)) if key < further => {
                    both.push(key)?;
                    left = one.next()?;
                }
                (_, Some(key)) => {
                    both.push(key)?;
                    right = other.next()?;
                }
                (Some(key), None) => {
                    both.push(key)?;
                    left = one.next()?;
                }
                (None, None) => break,
            }
        }
        both.log.flush()?;
        Ok(both)
    }
}
