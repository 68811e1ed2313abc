//! Where the instructions of instrumented code were in the original binary.

/// By function: what was copied without anything put in between.
#[derive(Default)]
pub(in super::super) struct Origins {
    functions: Vec<Vec<Run>>,
}

/// Instructions that follow each other in both binaries.
#[derive(Clone, Copy)]
struct Run {
    /// Of the first one, in bytes from the beginning of the new body.
    at: u32,
    /// The same in the original, from the beginning of the file.
    original: u32,
}

impl Origins {
    /// What comes from now on belongs to the next function.
    pub(super) fn begin(&mut self) {
        self.functions.push(Vec::new());
    }

    /// An instruction at byte `original` of the file was copied to byte `at` of the new body.
    pub(super) fn copied(&mut self, original: usize, at: usize) {
        let (Ok(original), Ok(at)) = (u32::try_from(original), u32::try_from(at)) else {
            return;
        };
        let Some(runs) = self.functions.last_mut() else {
            return;
        };
        let goes_on = |run: &Run| original.wrapping_sub(run.original) == at.wrapping_sub(run.at);
        if !runs.last().is_some_and(goes_on) {
            runs.push(Run { at, original });
        }
    }

    /// Whether it is a function of the original.
    pub(in super::super) fn has(&self, function: u32) -> bool {
        (function as usize) < self.functions.len()
    }

    /// Where the instruction at byte `at` of the new body was, from the beginning of the file.
    pub(in super::super) fn original(&self, function: u32, at: usize) -> Option<u32> {
        let (runs, at) = (
            self.functions.get(function as usize)?,
            u32::try_from(at).ok()?,
        );
        let behind = runs.partition_point(|run| run.at <= at);
        let run = runs.get(behind.checked_sub(1)?)?;
        run.original.checked_add(at - run.at)
    }
}
