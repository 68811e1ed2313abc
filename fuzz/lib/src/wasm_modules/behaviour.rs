//! What a reducer answers to a fixed row of inputs, and whether two rows of answers agree.

use std::sync::LazyLock;

use anyhow::{Result, bail, ensure};
use sim::host::{Code, Coverage, Instance, Output, Sites, StepError, StepInput};
use sim::model::Small;
use sim::worlds;

use super::{limits, printable};

/// How many [`steps`] there are.
pub const STEPS: usize = 6;

/// Inputs of every shape: no state and some, a key, a context, nothing at all, and much.
fn steps() -> [StepInput<'static>; STEPS] {
    let (schema, request) = &*REQUEST;
    let first = StepInput {
        state: None,
        schema,
        value: request,
        key: None,
        ctx: None,
    };
    [
        first,
        StepInput {
            state: Some(b"\xd9\xd9\xf7\xa0"),
            key: Some(b"r1"),
            ctx: Some(b"\xd9\xd9\xf7\xf6"),
            ..first
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
            value: &[0x5a; 3_000],
            key: None,
            ctx: None,
        },
        first,
        StepInput {
            state: Some(&[0xff; 40]),
            schema: "demo/Event@1",
            value: b"\xf6",
            key: Some(b""),
            ctx: None,
        },
    ]
}

/// What a client of the built-in world sends: the name of its schema, and canonical bytes. The
/// reducer of that world answers it.
static REQUEST: LazyLock<(String, Vec<u8>)> = LazyLock::new(|| {
    let world = worlds::usual();
    let air = sim::air::load(&world.sources()).expect("the built-in documents are right");
    let model = (world.model)(&air).expect("they are those of the model");
    let model = model.expect("the built-in world has a model");
    let mut requests = model.scene(&Small::default()).requests;
    let request = requests.swap_remove(0);
    (air.schemas.name(request.schema).to_owned(), request.value)
});

type Answer = Result<Output, StepError>;

/// What a reducer answers to all [`steps`].
pub struct Behaviour {
    /// Of one instance, in order, with how many it had answered since it was last renewed.
    row: Vec<(Answer, u64)>,
    /// Each of a fresh instance.
    alone: Vec<Answer>,
    /// What the row counted, and what there is to count; None for code that is not instrumented.
    counted: Option<(Coverage, Sites)>,
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

    /// Takes all steps on an instance, whatever it has done before.
    ///
    /// # Errors
    /// As [`Behaviour::of`].
    pub fn on(code: &Code, instance: &mut Instance) -> Result<Behaviour> {
        let mut behaviour = Behaviour {
            row: Vec::new(),
            alone: Vec::new(),
            counted: None,
        };
        for (index, input) in steps().iter().enumerate() {
            let answer = answer(instance, input)?;
            let alone = answer_alone(code, input)?;
            // A reducer's past must not be why a step fails.
            ensure!(
                answer.is_ok() || answer == alone,
                "step {index} failed for its past: {}, and alone {}",
                told(&answer),
                told(&alone)
            );
            behaviour.row.push((answer, instance.steps_since_renewal()));
            behaviour.alone.push(alone);
        }
        behaviour.counted = code.sites().map(|sites| {
            let mut coverage = Coverage::default();
            instance.take_coverage(&mut coverage);
            (coverage, sites.clone())
        });
        Ok(behaviour)
    }

    /// How many steps were answered.
    pub fn answered(&self) -> usize {
        self.row.iter().filter(|(answer, _)| answer.is_ok()).count()
    }

    /// The steps that failed, and why.
    pub fn failures(&self) -> impl Iterator<Item = &StepError> {
        let answers = self.row.iter().map(|(answer, _)| answer);
        answers.filter_map(|answer| answer.as_ref().err())
    }

    /// Holds it against the same code on other instances.
    ///
    /// # Errors
    /// If it is not the same.
    pub fn is_repeated(&self, other: &Behaviour) -> Result<()> {
        for (index, (left, right)) in self.row.iter().zip(&other.row).enumerate() {
            ensure!(
                left == right,
                "step {index} of two rows: {} ({}), then {} ({})",
                told(&left.0),
                left.1,
                told(&right.0),
                right.1
            );
        }
        for (index, (left, right)) in self.alone.iter().zip(&other.alone).enumerate() {
            let (left_told, right_told) = (told(left), told(right));
            ensure!(
                left == right,
                "step {index} on two fresh instances: {left_told}, then {right_told}"
            );
        }
        Ok(())
    }

    /// Holds it against that of the instrumented form, which spends more fuel, is given more, and
    /// needs more of the stack. In a row, memories differ from where that shows, be it only that
    /// one of the two was renewed for it, and nothing compares.
    ///
    /// # Errors
    /// If it is not the same, or nothing was counted.
    pub fn is_that_of(&self, instrumented: &Behaviour) -> Result<()> {
        let alone = self.alone.iter().zip(&instrumented.alone);
        for (index, (left, right)) in alone.enumerate() {
            alike(left, right, &format!("step {index}, alone"))?;
        }
        for (index, (left, right)) in self.row.iter().zip(&instrumented.row).enumerate() {
            if left.1 != right.1 || [left, right].iter().any(|it| is_about_resources(&it.0)) {
                break;
            }
            alike(&left.0, &right.0, &format!("step {index}"))?;
        }
        let Some((coverage, _)) = &instrumented.counted else {
            bail!("instrumented code that has nothing to count");
        };
        ensure!(
            coverage.reached() > 0 || instrumented.answered() == 0,
            "steps were answered, and no block was counted"
        );
        Ok(())
    }

    /// Whether what was counted lies in a binary of so many bytes, and can be told.
    ///
    /// # Errors
    /// What does not.
    pub fn is_counted_in(&self, wasm_bytes: usize) -> Result<()> {
        let Some((coverage, sites)) = &self.counted else {
            return Ok(());
        };
        let (found, known) = (coverage.blocks.len(), sites.blocks.len());
        ensure!(found == known, "{found} blocks were counted, of {known}");
        let blocks = sites.blocks.iter().map(|it| (it.function, it.offset));
        let compares = sites.compares.iter().map(|it| (it.function, it.offset));
        for (function, offset) in blocks.chain(compares) {
            ensure!(
                (function as usize) < sites.functions.len() && (offset as usize) < wasm_bytes,
                "a site at byte {offset} of function {function}, which is not there"
            );
        }
        for compared in &coverage.compares {
            ensure!(
                (compared.site as usize) < sites.compares.len(),
                "compare {} was logged, which is not there",
                compared.site
            );
        }
        sites.functions.iter().try_for_each(|name| printable(name))
    }
}

fn answer(instance: &mut Instance, input: &StepInput<'_>) -> Result<Answer> {
    let mut output = Output::default();
    let answer = instance.step(input, &mut output).map(|()| output);
    within_limits(instance, &answer)?;
    Ok(answer)
}

fn answer_alone(code: &Code, input: &StepInput<'_>) -> Result<Answer> {
    answer(&mut code.instance()?, input)
}

fn within_limits(instance: &Instance, answer: &Answer) -> Result<()> {
    let (bytes, limit) = (instance.memory_bytes(), limits().memory_bytes);
    ensure!(
        bytes <= limit,
        "{bytes} bytes of memory, the limit is {limit}"
    );
    match answer {
        Ok(output) => {
            let (length, limit) = (length(output), limits().output_bytes);
            ensure!(
                length <= limit,
                "an output of {length} bytes, the limit is {limit}"
            );
        }
        Err(StepError::Host { message }) => bail!("the host failed: {message}"),
        Err(error) => printable(&error.to_string())?,
    }
    Ok(())
}

/// The bytes of all that an output holds, which is no more than its envelope had.
fn length(output: &Output) -> usize {
    let of = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
    let events = output
        .events()
        .map(|event| event.schema.len() + event.value.len() + of(event.key));
    let effects = output.effects().map(|effect| {
        let slot = effect.cap_slot.map_or(0, str::len);
        effect.kind.len() + effect.params.len() + slot + of(effect.idempotency_key)
    });
    of(output.state()) + of(output.annotations()) + events.chain(effects).sum::<usize>()
}

/// Whether plain and instrumented code answer the same.
fn alike(plain: &Answer, instrumented: &Answer, what: &str) -> Result<()> {
    ensure!(
        plain == instrumented || is_about_resources(plain) || is_about_resources(instrumented),
        "{what}: {}, instrumented {}",
        told(plain),
        told(instrumented)
    );
    Ok(())
}

/// Whether an answer may be another where more fuel and more of the stack are used.
fn is_about_resources(answer: &Answer) -> bool {
    matches!(
        answer,
        Err(StepError::OutOfFuel { .. } | StepError::StackExhausted { .. })
    )
}

fn told(answer: &Answer) -> String {
    match answer {
        Ok(output) => format!("{output:?}"),
        Err(error) => error.to_string(),
    }
}
