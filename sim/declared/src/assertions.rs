//! What reducers are said to assert in their annotations.

use toml::Spanned;

use crate::file::File;
use sim_kernel::{Assertion, AssertionKind};
use sim_model::SEEDS_FOR_SOMETIMES;

/// The messages of a file, with the place of each.
pub(crate) fn listed(file: &File) -> impl Iterator<Item = (AssertionKind, &Spanned<String>)> {
    let listed = &file.root.assertions;
    let of = |kind, messages| std::iter::repeat(kind).zip(messages);
    of(AssertionKind::Always, &listed.always)
        .chain(of(AssertionKind::Sometimes, &listed.sometimes))
        .chain(of(AssertionKind::Reachable, &listed.reachable))
}

/// The assertions that a world is known to have.
pub(crate) fn read(file: &File) -> Vec<Assertion> {
    let seeds = file.root.campaign.seeds.unwrap_or(u64::MAX);
    let assertions = listed(file).map(|(kind, message)| Assertion {
        kind,
        message: message.get_ref().clone(),
        seeds: seeds.min(SEEDS_FOR_SOMETIMES),
    });
    assertions.collect()
}
