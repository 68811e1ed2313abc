//! Which part of a campaign is whose: as the command line says it, or the scheduler that started
//! the process.

use std::fmt;
use std::str::FromStr;

/// The K-th of N parts. The chunks are dealt out one by one, so that all parts take about as long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shard {
    /// From 1.
    number: u64,
    count: u64,
}

/// Why it is not known which part is meant.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoShard {
    /// It is not written as one.
    #[error("expected K/N, two numbers such as 3/8, found `{0}`")]
    NotOne(String),
    /// There is none of that number.
    #[error("there is no shard {number} of {count}: they are numbered from 1")]
    OutOfRange {
        /// Which was asked for.
        number: u64,
        /// Of how many.
        count: u64,
    },
    /// A variable of the environment is no number.
    #[error("{name} is `{value}`, expected a number")]
    NoNumber {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
    },
    /// The number of parts is not said.
    #[error("{of} is set, and {missing} is not: it says of how many")]
    NoCount {
        /// The variable that is there.
        of: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
}

impl Shard {
    /// All of it.
    pub const WHOLE: Shard = Shard {
        number: 1,
        count: 1,
    };

    fn new(number: u64, count: u64) -> Result<Shard, NoShard> {
        match (1..=count).contains(&number) {
            true => Ok(Shard { number, count }),
            false => Err(NoShard::OutOfRange { number, count }),
        }
    }

    /// How many of so many chunks are its own.
    pub fn count(self, count: u64) -> u64 {
        count.saturating_sub(self.number - 1).div_ceil(self.count)
    }

    /// Whether a chunk is its own.
    pub fn has(self, chunk: u64) -> bool {
        chunk % self.count == self.number - 1
    }

    /// The place of its chunk that comes after one of its own.
    pub fn after(self, chunk: u64) -> u64 {
        chunk.saturating_add(self.count)
    }

    /// The places of its chunks, of so many.
    pub fn chunks(self, count: u64) -> impl Iterator<Item = u64> {
        let step = usize::try_from(self.count).unwrap_or(usize::MAX);
        (self.number - 1..count).step_by(step)
    }

    /// What the environment says, and the variable that says so; None where nothing does.
    ///
    /// # Errors
    /// If it says something that cannot be.
    pub fn of_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<(Shard, &'static str)>, NoShard> {
        let number = |name: &'static str| {
            let value = variable(name).filter(|value| !value.is_empty());
            let parse = |value: String| {
                let number = value.parse::<u64>();
                number.map_err(|_| NoShard::NoNumber { name, value })
            };
            value.map(parse).transpose()
        };
        for Variables { index, count, from } in SHARD_VARIABLES {
            let Some(place) = number(index)? else {
                continue;
            };
            let missing = || NoShard::NoCount {
                of: index,
                missing: count,
            };
            let count = number(count)?.ok_or_else(missing)?;
            let number = match from {
                From::Zero => place.saturating_add(1),
                From::One => place,
                From::Least { least, step } => {
                    let least = number(least)?.unwrap_or(0);
                    let step = number(step)?.unwrap_or(1).max(1);
                    (place.saturating_sub(least) / step).saturating_add(1)
                }
            };
            return Ok(Some((Shard::new(number, count)?, index)));
        }
        Ok(None)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.number, self.count)
    }
}

impl FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Shard, NoShard> {
        let no_shard = || NoShard::NotOne(text.to_owned());
        let (number, count) = text.split_once('/').ok_or_else(no_shard)?;
        let parse = |text: &str| text.parse().map_err(|_| no_shard());
        Shard::new(parse(number)?, parse(count)?)
    }
}

/// How a scheduler tells a process which of many it is.
#[derive(Clone, Copy, Debug)]
pub struct Variables {
    /// The variable with the place.
    pub index: &'static str,
    /// The variable with the number of all.
    pub count: &'static str,
    from: From,
}

/// Where a scheduler begins to count.
#[derive(Clone, Copy, Debug)]
enum From {
    Zero,
    One,
    /// At what one variable says, in steps that another says.
    Least {
        least: &'static str,
        step: &'static str,
    },
}

/// Those that are known, the first of them first. Of a Kubernetes job the number of all is in no
/// variable of its own.
pub const SHARD_VARIABLES: [Variables; 9] = {
    const fn variables(index: &'static str, count: &'static str, from: From) -> Variables {
        Variables { index, count, from }
    }
    [
        // Slurm, https://slurm.schedmd.com/job_array.html
        variables(
            "SLURM_ARRAY_TASK_ID",
            "SLURM_ARRAY_TASK_COUNT",
            From::Least {
                least: "SLURM_ARRAY_TASK_MIN",
                step: "SLURM_ARRAY_TASK_STEP",
            },
        ),
        // https://kubernetes.io/docs/tasks/job/indexed-parallel-processing-static/
        variables("JOB_COMPLETION_INDEX", "SIM_SHARDS", From::Zero),
        // https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
        variables(
            "AWS_BATCH_JOB_ARRAY_INDEX",
            "AWS_BATCH_JOB_ARRAY_SIZE",
            From::Zero,
        ),
        // Google Cloud Batch
        variables("BATCH_TASK_INDEX", "BATCH_TASK_COUNT", From::Zero),
        // Google Cloud Run jobs
        variables("CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT", From::Zero),
        // GitLab, `parallel: N`
        variables("CI_NODE_INDEX", "CI_NODE_TOTAL", From::One),
        // CircleCI, `parallelism: N`
        variables("CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", From::Zero),
        // Buildkite, `parallelism: N`
        variables(
            "BUILDKITE_PARALLEL_JOB",
            "BUILDKITE_PARALLEL_JOB_COUNT",
            From::Zero,
        ),
        // Azure Pipelines, `parallel: N`
        variables(
            "SYSTEM_JOBPOSITIONINPHASE",
            "SYSTEM_TOTALJOBSINPHASE",
            From::One,
        ),
    ]
};
