//! The values that states have by id, as far as they are on disk: a checkpoint needs them, in the
//! order of their ids. Each has the number of its bytes before it, four bytes, little endian.
//! Beside them is what hashes of intents were taken over: two such numbers each, the place of the
//! hash among the values and that of the other.

use super::disk::{Disk, DiskError, Log, Sealed};
use sim_record::trace::Pool;

/// What of a pool is on disk.
#[derive(Default)]
pub(super) struct Kept {
    logs: Option<[Log; 2]>,
    values: usize,
    preimages: usize,
}

const NUMBER_BYTES: usize = size_of::<u32>();

impl Kept {
    /// Writes what is new to the disk, and all to stay.
    pub fn seal(&mut self, disk: &Disk, pool: &Pool) -> Result<[Sealed; 2], DiskError> {
        let [values, preimages] = match &mut self.logs {
            Some(logs) => logs,
            none => none.insert([
                Log::create(disk, "values".to_owned())?,
                Log::create(disk, "preimages".to_owned())?,
            ]),
        };
        for value in pool.values_from(self.values) {
            values.append(&(value.len() as u32).to_le_bytes())?;
            values.append(&value)?;
            self.values += 1;
        }
        for pair in pool.preimages_from(self.preimages) {
            preimages.append(pair.map(u32::to_le_bytes).as_flattened())?;
            self.preimages += 1;
        }
        Ok([values.seal()?, preimages.seal()?])
    }

    /// Fills a pool that is empty with those of a checkpoint, by the same ids.
    pub fn open(disk: &Disk, sealed: &[Sealed; 2], pool: &Pool) -> Result<Kept, DiskError> {
        let mut kept = Kept::default();
        let mut bytes = [Vec::new(), Vec::new()];
        let [values, preimages] = &mut bytes;
        kept.logs = Some([
            Log::open(disk, &sealed[0], |part| values.extend_from_slice(part))?,
            Log::open(disk, &sealed[1], |part| preimages.extend_from_slice(part))?,
        ]);
        let mut rest = &values[..];
        while let Some((head, tail)) = rest.split_first_chunk() {
            let length = (u32::from_le_bytes(*head) as usize).min(tail.len());
            let (value, after) = tail.split_at(length);
            pool.intern(value);
            kept.values += 1;
            rest = after;
        }
        let (numbers, _) = preimages.as_chunks::<NUMBER_BYTES>();
        for pair in numbers.as_chunks::<2>().0 {
            pool.add_preimage(pair.map(u32::from_le_bytes));
            kept.preimages += 1;
        }
        Ok(kept)
    }
}
