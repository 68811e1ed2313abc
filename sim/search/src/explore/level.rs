//! States that are to be expanded: packed one after the other in a row of bytes, and a queue of
//! them that has its front on disk where memory is short.

use super::disk::{Disk, DiskError, Log, Sealed};
use sim_record::trace::Packer;

/// States in the order in which they were found, packed one after the other in one row of bytes.
#[derive(Default)]
pub(super) struct States {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl States {
    /// With room for so many states and bytes.
    pub fn with_capacity(states: usize, bytes: usize) -> States {
        States {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(states),
        }
    }

    pub fn count(&self) -> usize {
        self.ends.len()
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// What is held.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * size_of::<usize>()
    }

    /// Where the first `count` states end.
    fn end(&self, count: usize) -> usize {
        count.checked_sub(1).map_or(0, |last| self.ends[last])
    }

    /// Adds the state that `pack` packs.
    pub fn push(&mut self, pack: impl FnOnce(&mut Packer<'_>)) {
        pack(&mut Packer::new(&mut self.bytes));
        self.ends.push(self.bytes.len());
    }

    /// Adds a packed state.
    pub fn push_packed(&mut self, state: &[u8]) {
        self.bytes.extend_from_slice(state);
        self.ends.push(self.bytes.len());
    }

    /// Adds a packed state, after a mark.
    fn push_marked(&mut self, mark: Option<u8>, state: &[u8]) {
        self.bytes.extend(mark);
        self.push_packed(state);
    }

    pub fn get(&self, place: usize) -> &[u8] {
        &self.bytes[self.end(place)..self.end(place + 1)]
    }
}

/// A level: a queue of states, in the order in which they were found. Those at the front may be on
/// disk, each with the number of its bytes before it, four bytes, little endian.
#[derive(Default)]
pub(super) struct Level {
    on_disk: Option<OnDisk>,
    tail: States,
    /// How many of the tail were taken.
    taken: usize,
}

pub(super) struct OnDisk {
    log: Log,
    /// How many were not taken yet, and where they begin.
    count: usize,
    at: u64,
    /// What was read ahead, and how much of that was taken.
    ahead: Vec<u8>,
    used: usize,
}

/// So much is read at once.
const AHEAD_BYTES: usize = 1 << 20;

impl Level {
    /// How many there are.
    pub fn count(&self) -> usize {
        let on_disk = self.on_disk.as_ref().map_or(0, |on_disk| on_disk.count);
        on_disk + self.in_memory()
    }

    /// What is held in memory.
    pub fn size_bytes(&self) -> usize {
        let ahead = self
            .on_disk
            .as_ref()
            .map_or(0, |on_disk| on_disk.ahead.len());
        self.tail.size_bytes() + ahead
    }

    /// Adds a state at the end; where there are several processes, marked by that which packed it.
    pub fn push(&mut self, mark: Option<u8>, state: &[u8]) {
        self.tail.push_marked(mark, state);
    }

    /// How many are in memory.
    pub fn in_memory(&self) -> usize {
        self.tail.count() - self.taken
    }

    /// Takes so many from the front, or as many as there are.
    pub fn take(&mut self, most: usize, out: &mut States) -> Result<(), DiskError> {
        out.clear();
        if let Some(on_disk) = &mut self.on_disk {
            while out.count() < most && on_disk.count > 0 {
                out.push_packed(on_disk.next()?);
            }
        }
        while out.count() < most && self.taken < self.tail.count() {
            out.push_packed(self.tail.get(self.taken));
            self.taken += 1;
        }
        Ok(())
    }

    /// Writes those that are in memory to the disk; of them only those that are to be kept. `name`
    /// names the file if there is none yet.
    pub fn spill(
        &mut self,
        disk: &Disk,
        name: &str,
        keep: Option<&[bool]>,
    ) -> Result<&mut OnDisk, DiskError> {
        let on_disk = match &mut self.on_disk {
            Some(on_disk) => on_disk,
            none => none.insert(OnDisk::new(Log::create(disk, name.to_owned())?, 0)),
        };
        for place in self.taken..self.tail.count() {
            if keep.is_none_or(|keep| keep[place]) {
                let state = self.tail.get(place);
                on_disk.log.append(&(state.len() as u32).to_le_bytes())?;
                on_disk.log.append(state)?;
                on_disk.count += 1;
            }
        }
        on_disk.log.flush()?;
        self.tail = States::default();
        self.taken = 0;
        Ok(on_disk)
    }

    /// A level of a checkpoint.
    pub fn open(disk: &Disk, sealed: &Sealed, count: usize) -> Result<Level, DiskError> {
        let log = Log::open(disk, sealed, |_| {})?;
        Ok(Level {
            on_disk: Some(OnDisk::new(log, count)),
            ..Level::default()
        })
    }

    /// Writes one of which nothing was taken to the disk, to stay. With how many there are.
    pub fn seal(&mut self, disk: &Disk, name: &str) -> Result<(Sealed, usize), DiskError> {
        let on_disk = self.spill(disk, name, None)?;
        Ok((on_disk.log.seal()?, on_disk.count))
    }

    /// It has been gone through: its file is of no more use.
    pub fn retire(self, disk: &mut Disk) {
        if let Some(on_disk) = self.on_disk {
            disk.retire(&on_disk.log);
        }
    }
}

impl OnDisk {
    fn new(log: Log, count: usize) -> OnDisk {
        OnDisk {
            log,
            count,
            at: 0,
            ahead: Vec::new(),
            used: 0,
        }
    }

    fn next(&mut self) -> Result<&[u8], DiskError> {
        self.read_ahead(size_of::<u32>())?;
        let mut count = [0; size_of::<u32>()];
        count.copy_from_slice(&self.ahead[self.used..self.used + size_of::<u32>()]);
        let count = u32::from_le_bytes(count) as usize;
        self.used += size_of::<u32>();
        self.read_ahead(count)?;
        self.used += count;
        self.count -= 1;
        Ok(&self.ahead[self.used - count..self.used])
    }

    /// So much, at the least, is there to be taken.
    fn read_ahead(&mut self, least: usize) -> Result<(), DiskError> {
        if self.ahead.len() - self.used >= least {
            return Ok(());
        }
        self.ahead.drain(..self.used);
        self.used = 0;
        let there = self.ahead.len();
        let left = (self.log.len() - self.at) as usize;
        let more = left.min(AHEAD_BYTES.max(least - there));
        self.ahead.resize(there + more, 0);
        self.log.read(self.at, &mut self.ahead[there..])?;
        self.at += more as u64;
        Ok(())
    }
}
