//! Where packed states come from: each is in the ids of the process that packed it.
//!
//! A process tells the others every value that it has, once, in the order of its ids, and with them
//! what hashes of intents were taken over. So a state is sent as it is packed, and what its ids are
//! here is looked up when it is unpacked. Values that several processes have are told by each.

use sim_record::trace::{Packer, Pool, Unpacker, ValueId};

/// What the ids of other processes are here.
pub(super) struct Origins {
    pool: Pool,
    /// By process; those of this one are not looked up. Empty if there is no other.
    ids: Vec<Vec<ValueId>>,
    me: usize,
    /// How many values, and pairs of hashes and what they were taken over, this one has told.
    told: [usize; 2],
}

impl Origins {
    /// Of so many processes, of which this is one.
    pub fn new(pool: &Pool, count: usize, me: usize) -> Origins {
        Origins {
            pool: pool.clone(),
            ids: match count {
                1 => Vec::new(),
                _ => vec![Vec::new(); count],
            },
            me,
            told: [0; 2],
        }
    }

    /// What is held.
    pub fn size_bytes(&self) -> usize {
        let ids: usize = self.ids.iter().map(Vec::len).sum();
        ids * size_of::<ValueId>()
    }

    /// What a state is marked by, before its bytes; None if there is no other process.
    pub fn mark(&self, of: usize) -> Option<u8> {
        (!self.ids.is_empty()).then_some(of as u8)
    }

    /// Reads a state that is marked.
    pub fn read<'a>(&'a self, state: &'a [u8]) -> Unpacker<'a> {
        let mut packed = Unpacker::new(state);
        if self.ids.is_empty() {
            return packed;
        }
        match usize::from(packed.byte()) {
            of if of == self.me => packed,
            of => packed.of_another(&self.ids[of]),
        }
    }

    /// Appends all values that were not told yet.
    pub fn tell(&mut self, packer: &mut Packer<'_>) {
        let [values, preimages] = self.told;
        // A hash is there before it is known what it was taken over: what comes between the two
        // is told next time.
        let preimages = self.pool.preimages_from(preimages);
        let values = self.pool.values_from(values);
        self.told[0] += values.len();
        self.told[1] += preimages.len();
        packer.count(values.len());
        values.iter().for_each(|value| {
            packer.row(value);
        });
        packer.count(preimages.len());
        for number in preimages.as_flattened() {
            packer.number((*number).into());
        }
    }

    /// Takes what another process told.
    pub fn hear(&mut self, of: usize, packed: &mut Unpacker<'_>) {
        for _ in 0..packed.count() {
            let id = self.pool.intern(packed.row());
            self.ids[of].push(id);
        }
        for _ in 0..packed.count() {
            let [hash, preimage] = [packed.count(), packed.count()];
            let ids = &self.ids[of];
            self.pool.learn_preimage(ids[hash], ids[preimage]);
        }
    }
}
