//! What a reducer answers to a fixed row of inputs, and whether two rows of answers agree.

use anyhow::{Result, ensure};
use sim::reducer::{Code, Coverage, Instance, Output, StepError, StepInput};

use super::printable;

/// Inputs of every shape: no state and some, a key, a context, nothing at all, and much.
pub const STEPS: [StepInput<'static>; 6] = [
    StepInput {
        state: None,
        schema: "demo/RetryEvent@1",
        value: START,
        key: None,
        ctx: None,
    },
    StepInput {
        state: Some(b"\xd9\xd9\xf7\xa0"),
        schema: "demo/RetryEvent@1",
        value: START,
        key: Some(b"r1"),
        ctx: Some(b"\xd9\xd9\xf7\xf6"),
    },
    StepInput {
        state: Some(b""),
        schema: "",
        value: b"",
        key: None,
        ctx: None,
    },
    StepInput {
        state: None,
        schema: "demo/Much@1",
        value: &[0x5a; 2_000],
        key: None,
        ctx: None,
    },
    StepInput {
        state: None,
        schema: "demo/RetryEvent@1",
        value: START,
        key: None,
        ctx: None,
    },
    StepInput {
        state: Some(&[0xff; 40]),
        schema: "demo/Event@1",
        value: b"\xf6",
        key: Some(b""),
        ctx: None,
    },
];

/// A start of the retry machine, canonical.
const START: &[u8] = b"\xd9\xd9\xf7\xa2d$tagestartf$value\xa5fnow_ns\x1a\x00\x0fB@freq_idgreq-123\
    gpayloadgdo_worklmax_attempts\x03mbase_delay_ms\x0a";

/// The answers of one instance, in order.
pub struct Behaviour {
    answers: Vec<Result<Output, StepError>>,
    /// Whether any block was counted; None for code that is not instrumented.
    counted: Option<bool>,
}

impl Behaviour {
    /// Takes all steps on a fresh instance.
    ///
    /// # Errors
    /// What does not hold of one of them.
    pub fn of(code: &Code) -> Result<Behaviour> {
        Behaviour::on(code, &mut code.instance()?)
    }

    /// The same on an instance that has taken them before, and was renewed.
    ///
    /// # Errors
    /// As [`Behaviour::of`].
    pub fn after_another(code: &Code) -> Result<Behaviour> {
        let mut instance = code.instance()?;
        Behaviour::on(code, &mut instance)?;
        instance.renew()?;
        Behaviour::on(code, &mut instance)
    }

    fn on(code: &Code, instance: &mut Instance) -> Result<Behaviour> {
        let mut answers = Vec::new();
        for input in &STEPS {
            let mut output = Output::default();
            let answer = instance.step(input, &mut output).map(|()| output);
            within_limits(code, instance, &answer)?;
            answers.push(answer);
        }
        let counted = code.sites().map(|_| {
            let mut coverage = Coverage::default();
            instance.take_coverage(&mut coverage);
            coverage.reached() > 0
        });
        Ok(Behaviour { answers, counted })
    }

    /// How many steps were answered.
    pub fn answered(&self) -> usize {
        self.answers.iter().filter(|answer| answer.is_ok()).count()
    }

    /// The steps that failed, and why.
    pub fn failures(&self) -> impl Iterator<Item = &StepError> {
        self.answers
            .iter()
            .filter_map(|answer| answer.as_ref().err())
    }

    /// Holds it against the same code on another instance.
    ///
    /// # Errors
    /// If it is not the same.
    pub fn is_repeated(&self, other: &Behaviour) -> Result<()> {
        for (index, (left, right)) in self.answers.iter().zip(&other.answers).enumerate() {
            ensure!(
                left == right,
                "step {index} on two fresh instances: {}, then {}",
                told(left),
                told(right)
            );
        }
        Ok(())
    }

    /// Holds it against that of the instrumented form, which spends more fuel, is given more, and
    /// needs more of the stack. From where that shows their memories differ, and nothing compares.
    ///
    /// # Errors
    /// If it is not the same, or nothing was counted.
    pub fn is_that_of(&self, instrumented: &Behaviour) -> Result<()> {
        for (index, (left, right)) in self.answers.iter().zip(&instrumented.answers).enumerate() {
            if is_about_resources(left) || is_about_resources(right) {
                return Ok(());
            }
            ensure!(
                left == right,
                "step {index}: {}, instrumented {}",
                told(left),
                told(right)
            );
        }
        ensure!(
            instrumented.counted != Some(false) || self.answered() == 0,
            "steps were answered, and no block was counted"
        );
        Ok(())
    }
}

fn within_limits(
    code: &Code,
    instance: &Instance,
    answer: &Result<Output, StepError>,
) -> Result<()> {
    let (bytes, limit) = (instance.memory_bytes(), code.limits().memory_bytes);
    ensure!(
        bytes <= limit,
        "{bytes} bytes of memory, the limit is {limit}"
    );
    match answer {
        Ok(output) => {
            let length = output.state().map_or(0, <[u8]>::len);
            let limit = code.limits().output_bytes;
            ensure!(
                length <= limit,
                "a state of {length} bytes, the limit is {limit}"
            );
        }
        Err(StepError::Host { message }) => anyhow::bail!("the host failed: {message}"),
        Err(error) => printable(&error.to_string())?,
    }
    Ok(())
}

/// Whether an answer may be another where more fuel and more of the stack are used.
fn is_about_resources(answer: &Result<Output, StepError>) -> bool {
    match answer {
        Err(StepError::OutOfFuel { .. }) => true,
        Err(StepError::Trap { message }) => message.contains("stack"),
        _ => false,
    }
}

fn told(answer: &Result<Output, StepError>) -> String {
    match answer {
        Ok(output) => format!("{output:?}"),
        Err(error) => error.to_string(),
    }
}
