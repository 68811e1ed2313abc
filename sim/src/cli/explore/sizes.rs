//! The options by which the small worlds of a model are made larger: those that the models have.

use std::collections::BTreeMap;

use clap::builder::RangedU64ValueParser;
use clap::{Arg, ArgMatches, Args, FromArgMatches};

use crate::models;

/// Numbers by which the small worlds of models are made larger, each an option of its own.
pub(super) struct Sizes(pub BTreeMap<String, u64>);

impl Args for Sizes {
    fn augment_args(command: clap::Command) -> clap::Command {
        models::sizes().fold(command, |command, size| {
            let range = RangedU64ValueParser::<u64>::new().range(0..=size.most);
            let argument = Arg::new(size.name)
                .long(size.name)
                .help(format!("{} [default: {}]", size.says, size.usual))
                .value_name("N")
                .value_parser(range);
            command.arg(argument)
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Sizes::augment_args(command)
    }
}

impl FromArgMatches for Sizes {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Sizes, clap::Error> {
        let numbers = models::sizes().filter_map(|size| {
            let number = matches.get_one::<u64>(size.name)?;
            Some((size.name.to_owned(), *number))
        });
        Ok(Sizes(numbers.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Sizes::from_arg_matches(matches)?;
        Ok(())
    }
}
