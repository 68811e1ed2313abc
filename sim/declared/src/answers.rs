//! What work is answered: named outcomes of effects and plans.
//!
//! The first outcome of a piece of work is its plain one, whatever it is called: in the list of the
//! world's answers the plain one stands first.

use toml::Spanned;

use crate::bundles::Bundles;
use crate::condition::Condition;
use crate::expand::Definitions;
use crate::file::File;
use crate::given::{Asked, Given, Place};
use crate::shape::{Shape, Wanted};
use crate::trouble::Troubles;
use crate::written::{AnswerFile, Named};
use sim_air::{Air, EffectId, Op, Plan, PlanId, SchemaId, Type, Value};
use sim_kernel::adapters::{self, timer};
use sim_kernel::local_name;
use sim_model::{Reply, Work, receipts, sample};
use sim_record::random::Stream;
use sim_record::trace::{Answer, Answers, Often, Outcome, SILENCE, Status};

/// How often an answer is given, if it does not say.
const WEIGHT: u32 = 10;
/// The largest weight.
const MOST_WEIGHT: u32 = 66;

/// The answers of all work.
#[derive(Debug)]
pub(crate) struct Answering {
    listed: Vec<Listed>,
    pub all: Answers,
}

/// The answers of some work.
#[derive(Debug)]
struct Listed {
    of: Of,
    answers: Vec<Declared>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Of {
    /// An effect, whoever asks.
    Kind(EffectId),
    /// The effects of a plan whose receipts are of this schema.
    Asks(PlanId, SchemaId),
    /// The event that a plan raises which awaits nothing.
    Raises(PlanId, SchemaId),
}

/// One answer.
#[derive(Debug)]
struct Declared {
    name: String,
    weight: u32,
    goes_on: bool,
    status: Status,
    /// Fields of the receipt, or the event.
    given: Option<Given>,
    when: Option<Condition>,
}

impl Answering {
    /// Reads the answers of a file.
    pub fn read<'a>(
        file: &'a File,
        (air, definitions): (&'a Air, &'a Definitions),
        troubles: &mut Troubles<'a>,
    ) -> Answering {
        let mut entries: Vec<_> = file.root.answers.iter().collect();
        entries.sort_by_key(|(_, answers)| answers.span().start);
        let mut listed = Vec::new();
        for (name, answers) in entries {
            let at = answers
                .get_ref()
                .first()
                .map_or(0, |first| first.span().start);
            let Some(of) = work_named(air, name, at, troubles) else {
                continue;
            };
            let answers = answers.get_ref().iter().enumerate();
            let answers = answers.filter_map(|(place, answer)| {
                Declared::read((air, definitions), of, (place, answer), troubles)
            });
            let answers: Vec<Declared> = answers.collect();
            if !answers.is_empty() {
                listed.push(Listed { of, answers });
            }
        }
        let all = all_answers(air, &listed);
        check_names(&file.root.answers, &listed, &all, troubles);
        Answering { all, listed }
    }

    fn of_work(&self, air: &Air, work: &Work<'_>) -> Option<&Listed> {
        let find = |of: &dyn Fn(Of) -> bool| self.listed.iter().find(|listed| of(listed.of));
        match *work {
            Work::Plan { plan, .. } => {
                find(&|of| matches!(of, Of::Raises(known, _) if known == plan))
            }
            Work::Effect { effect, plan, .. } => {
                let receipt = air.effects[effect.index()].receipt;
                let by_plan = plan.and_then(|plan| find(&|of| of == Of::Asks(plan, receipt)));
                by_plan.or_else(|| find(&|of| of == Of::Kind(effect)))
            }
        }
    }

    /// Whether the answers of a piece of work are declared.
    pub fn lists(&self, air: &Air, work: &Work<'_>) -> bool {
        self.of_work(air, work).is_some()
    }

    /// The event that a plan raises whose answers are declared.
    pub fn raised(&self, plan: PlanId) -> Option<SchemaId> {
        self.listed.iter().find_map(|listed| match listed.of {
            Of::Raises(known, event) if known == plan => Some(event),
            _ => None,
        })
    }

    /// Whether a piece of work may get an answer.
    pub fn may(&self, air: &Air, work: &Work<'_>, answer: Answer) -> bool {
        if answer == Answer::PLAIN {
            return true;
        }
        let name = self.all.name(answer);
        match self.of_work(air, work) {
            None => adapters::answers().named(name).is_some(),
            Some(listed) => {
                let mut others = listed.answers[1..].iter();
                others.any(|known| known.name == name && known.fits(air, work))
            }
        }
    }

    fn chosen<'l>(
        &self,
        air: &Air,
        listed: &'l Listed,
        work: &Work<'_>,
        answer: Answer,
    ) -> &'l Declared {
        let name = self.all.name(answer);
        let mut others = listed.answers[1..].iter();
        let named = match answer {
            Answer::PLAIN => None,
            _ => others.find(|known| known.name == name && known.fits(air, work)),
        };
        named.unwrap_or(&listed.answers[0])
    }

    /// What an answer to an effect is; None if that is not declared, or, with a stream, if it is
    /// the same each time.
    pub fn reply(
        &self,
        air: &Air,
        work: &Work<'_>,
        answer: Answer,
        stream: Option<&mut Stream>,
    ) -> Option<Reply> {
        let listed = self.of_work(air, work)?;
        let Work::Effect { effect, params, .. } = *work else {
            return None;
        };
        let chosen = self.chosen(air, listed, work, answer);
        let effect = &air.effects[effect.index()];
        let schemas = &air.schemas;
        let is_drawn = chosen.given.as_ref().is_some_and(Given::is_drawn);
        let is_told = chosen.status != Status::Ok;
        if stream.is_some() && !is_drawn && !is_told {
            return None;
        }
        let plain = receipts::plain(air, effect, params, self.all.name(answer), None)?;
        let plain = schemas.decode(effect.receipt, &plain).ok()?;
        let value = schemas.decode(effect.params, params).ok()?;
        let asked = Asked {
            schemas,
            name: "params",
            ty: schemas.ty(effect.params),
            value: &value,
        };
        let receipt = make(chosen.given.as_ref(), plain, &asked, stream);
        Some(Reply {
            status: chosen.status,
            receipt: schemas.encode(effect.receipt, &receipt).ok()?,
        })
    }

    /// Appends the event that answers a plan; false if it raises none.
    pub fn answer(
        &self,
        air: &Air,
        (plan, input): (PlanId, &[u8]),
        answer: Answer,
        out: &mut Vec<u8>,
    ) -> bool {
        let event = (|| {
            let work = Work::Plan { plan, input };
            let listed = self.of_work(air, &work)?;
            let chosen = self.chosen(air, listed, &work, answer);
            let given = chosen.given.as_ref()?;
            let schemas = &air.schemas;
            let definition = &air.plans[plan.index()];
            let value = schemas.decode(definition.input, input).ok()?;
            let asked = Asked {
                schemas,
                name: "input",
                ty: schemas.ty(definition.input),
                value: &value,
            };
            let event = self.raised(plan)?;
            let base = shared(schemas.ty(event), given.arm(), &asked);
            let made = make(Some(given), base, &asked, None);
            schemas.encode(event, &made).ok()
        })();
        let Some(event) = event else { return false };
        out.extend_from_slice(&event);
        true
    }
}

/// Makes what is declared out of what there is.
fn make(
    given: Option<&Given>,
    base: Value,
    asked: &Asked<'_>,
    stream: Option<&mut Stream>,
) -> Value {
    let mut bundles = Bundles::default();
    match (given, stream) {
        (None, _) => base,
        (Some(given), Some(stream)) => {
            given.draw(asked.schemas, base, &mut bundles, Some(asked), stream)
        }
        (Some(given), None) => given.nth(asked.schemas, base, &mut 0, &mut bundles, Some(asked)),
    }
}

/// The plainest event of an arm, with the fields that it shares with what was asked.
fn shared(ty: &Type, arm: Option<&str>, asked: &Asked<'_>) -> Value {
    let schemas = asked.schemas;
    let ty = schemas.resolve(ty);
    let payload = match (ty, arm) {
        (Type::Variant(variant), Some(arm)) => variant.arm(arm).map(|arm| &arm.ty),
        (ty, _) => Some(ty),
    };
    let Some(payload) = payload else {
        return Value::Null;
    };
    let mut value = sample::plainest(schemas, payload);
    let records = (schemas.resolve(payload), schemas.resolve(asked.ty));
    if let (Type::Record(fields), Type::Record(known)) = records {
        for field in fields.fields() {
            let same = known.field(&field.name);
            let is_same =
                same.is_some_and(|other| schemas.resolve(&other.ty) == schemas.resolve(&field.ty));
            if let Some(known) = asked.value.field(&field.name).filter(|_| is_same) {
                adapters::set_field(&mut value, &field.name, known.clone());
            }
        }
    }
    match (ty, arm) {
        (Type::Variant(_), Some(arm)) => Value::Variant {
            tag: arm.to_owned(),
            value: Box::new(value),
        },
        _ => value,
    }
}

impl Declared {
    fn fits(&self, air: &Air, work: &Work<'_>) -> bool {
        let Some(when) = &self.when else { return true };
        let schemas = &air.schemas;
        let (name, schema, bytes) = match *work {
            Work::Effect { effect, params, .. } => {
                ("params", air.effects[effect.index()].params, params)
            }
            Work::Plan { plan, input } => ("input", air.plans[plan.index()].input, input),
        };
        let Ok(value) = schemas.decode(schema, bytes) else {
            return false;
        };
        let asked = Asked {
            schemas,
            name,
            ty: schemas.ty(schema),
            value: &value,
        };
        when.holds(&asked.variables()).unwrap_or(false)
    }

    fn read<'a>(
        (air, definitions): (&'a Air, &'a Definitions),
        of: Of,
        (place, file): (usize, &'a Spanned<AnswerFile>),
        troubles: &mut Troubles<'a>,
    ) -> Option<Declared> {
        let (at, file) = (file.span().start, file.get_ref());
        let schemas = &air.schemas;
        let name = file.name.get_ref();
        if name.is_empty() || name == SILENCE {
            let what = format!("an answer cannot be called `{name}`");
            let hint = "silence is a fault: `[faults] silence = false` turns it off";
            troubles.add(file.name.span().start, what).hint(hint);
            return None;
        }
        let (asked, ty, given, other) = match of {
            Of::Kind(effect) => {
                let effect = &air.effects[effect.index()];
                let asked = ("params", schemas.ty(effect.params));
                (asked, effect.receipt, &file.receipt, &file.raises)
            }
            Of::Asks(plan, receipt) => {
                let params = params_of(air, plan, receipt)?;
                (
                    ("params", schemas.ty(params)),
                    receipt,
                    &file.receipt,
                    &file.raises,
                )
            }
            Of::Raises(plan, event) => {
                let input = air.plans[plan.index()].input;
                (
                    ("input", schemas.ty(input)),
                    event,
                    &file.raises,
                    &file.receipt,
                )
            }
        };
        if let Some(other) = other {
            let what = match of {
                Of::Raises(..) => "this plan asks for nothing: say what it `raises`",
                _ => "this work is answered by a `receipt`, it raises nothing itself",
            };
            troubles.add(other.span().start, what);
        }
        let place_of = Place {
            schemas,
            asked: Some(asked),
            definitions,
            is_request: false,
        };
        let given = match given {
            None => None,
            Some(given) => match Given::read(place_of, schemas.ty(ty), given.get_ref()) {
                Ok(read) => Some(read),
                Err((message, hint)) => {
                    let what = format!("`{name}`: {message}");
                    troubles.add(given.span().start, what).maybe_hint(hint);
                    return None;
                }
            },
        };
        let status = read_status(air, of, file, troubles);
        let when = read_when((air, definitions), file, asked, troubles)?;
        if place == 0 && when.is_some() {
            let what = format!("the first answer, `{name}`, has no `when`: it is always there");
            troubles.add(at, what);
        }
        let weight = file.weight.unwrap_or(WEIGHT);
        if weight > MOST_WEIGHT {
            troubles.add(at, format!("`{name}`: a weight is at most {MOST_WEIGHT}"));
        }
        Some(Declared {
            name: name.clone(),
            weight: weight.min(MOST_WEIGHT),
            goes_on: file.goes_on,
            status,
            given,
            when,
        })
    }
}

/// Each answer has a name by which it can be given.
fn check_names<'a>(
    file: &'a Named<Vec<Spanned<AnswerFile>>>,
    listed: &[Listed],
    all: &Answers,
    troubles: &mut Troubles<'a>,
) {
    let plain = all.name(Answer::PLAIN);
    let answers = file
        .values()
        .flat_map(|answers| answers.get_ref().iter().skip(1));
    let names = answers.map(|answer| &answer.get_ref().name);
    for name in names.filter(|_| !listed.is_empty()) {
        let (at, name) = (name.span().start, name.get_ref().as_str());
        if name == plain {
            let what = format!("`{name}` is what the plain answer is called, which comes first");
            troubles.add(at, what).hint("call this one otherwise");
        } else if all.named(name).is_none() && name != SILENCE && !name.is_empty() {
            let what = format!("more than {} answers in all: `{name}`", Answers::MOST);
            troubles
                .add(at, what)
                .hint("the same name may answer several kinds of work");
        }
    }
}

fn read_status(air: &Air, of: Of, file: &AnswerFile, troubles: &mut Troubles<'_>) -> Status {
    let Some(status) = &file.status else {
        return Status::Ok;
    };
    let is_told = |effect: EffectId| {
        let mut reducers = air.reducers.iter();
        reducers.any(|reducer| reducer.receipt_arms.contains_key(&effect))
    };
    if !matches!(of, Of::Kind(effect) if is_told(effect)) {
        let what = "only a reducer is told a status, and no reducer asks for this work";
        troubles
            .add(status.span().start, what)
            .hint("say it by the receipt");
        return Status::Ok;
    }
    let known = Status::ALL
        .into_iter()
        .find(|known| known.name() == status.get_ref());
    known.unwrap_or_else(|| {
        let names = Status::ALL.map(Status::name);
        troubles.unknown(status.span().start, "status", status.get_ref(), names);
        Status::Ok
    })
}

fn read_when(
    (air, definitions): (&Air, &Definitions),
    file: &AnswerFile,
    (name, ty): (&str, &Type),
    troubles: &mut Troubles<'_>,
) -> Option<Option<Condition>> {
    let Some(source) = &file.when else {
        return Some(None);
    };
    let variables = [(name.to_owned(), Shape::Air(ty.clone()))];
    let known = (&variables[..], definitions);
    match Condition::parse(source.get_ref(), &air.schemas, known, Wanted::Truth) {
        Ok(condition) => Some(Some(condition)),
        Err(problems) => {
            for (message, hint) in problems {
                troubles.add(source.span().start, message).maybe_hint(hint);
            }
            None
        }
    }
}

/// The work that a name means: a kind of effect, or a plan.
pub(crate) fn work_named(
    air: &Air,
    name: &str,
    at: usize,
    troubles: &mut Troubles<'_>,
) -> Option<Of> {
    if name == timer::SET {
        let trouble = troubles.add(at, "timers are not answered: they fire");
        trouble.hint("`[faults]` says how: timer_early, timer_late, timer_twice, timer_status");
        return None;
    }
    if let Some(effect) = air.effects.iter().position(|effect| effect.kind == name) {
        return Some(Of::Kind(EffectId::new(effect)));
    }
    let is_it = |plan: &Plan| plan.name == name || local_name(&plan.name) == name;
    let Some(place) = air.plans.iter().position(is_it) else {
        let kinds = air.effects.iter().map(|effect| effect.kind.as_str());
        let names = kinds.chain(air.plans.iter().map(|plan| plan.name.as_str()));
        let names: Vec<&str> = names.collect();
        troubles.unknown(at, "kind of effect or plan", name, names);
        return None;
    };
    let (id, plan) = (PlanId::new(place), &air.plans[place]);
    let asked = plan.steps.iter().find_map(|step| match &step.op {
        Op::EmitEffect { effect, .. } => Some(air.effects[effect.index()].receipt),
        _ => None,
    });
    if let Some(receipt) = asked {
        return Some(Of::Asks(id, receipt));
    }
    let awaits = |op: &Op| matches!(op, Op::AwaitReceipt { .. } | Op::AwaitEvent { .. });
    let raised = plan.steps.iter().find_map(|step| match &step.op {
        Op::RaiseEvent { event, .. } => Some(*event),
        _ => None,
    });
    match raised.filter(|_| !plan.steps.iter().any(|step| awaits(&step.op))) {
        Some(event) => Some(Of::Raises(id, event)),
        None => {
            let what = format!("nothing answers `{name}`: it asks for no effect");
            let hint = "a plan that awaits nothing and raises an event can be answered, too";
            troubles.add(at, what).hint(hint);
            None
        }
    }
}

/// The parameters of the effect of a plan that has receipts of a schema.
pub(crate) fn params_of(air: &Air, plan: PlanId, receipt: SchemaId) -> Option<SchemaId> {
    let steps = air.plans[plan.index()].steps.iter();
    let mut effects = steps.filter_map(|step| match &step.op {
        Op::EmitEffect { effect, .. } => Some(&air.effects[effect.index()]),
        _ => None,
    });
    let effect = effects.find(|effect| effect.receipt == receipt)?;
    Some(effect.params)
}

/// The answers of the world: the plain one, the others that are declared, and the usual ones if
/// some work has no others.
fn all_answers(air: &Air, listed: &[Listed]) -> Answers {
    let usual = adapters::answers();
    if listed.is_empty() {
        return usual;
    }
    let is_listed = |effect: EffectId, plan: usize| {
        let receipt = air.effects[effect.index()].receipt;
        let asks = Of::Asks(PlanId::new(plan), receipt);
        listed
            .iter()
            .any(|it| it.of == Of::Kind(effect) || it.of == asks)
    };
    let are_all_listed = air.plans.iter().enumerate().all(|(plan, definition)| {
        definition.steps.iter().all(|step| match &step.op {
            Op::EmitEffect { effect, .. } => is_listed(*effect, plan),
            _ => true,
        })
    });
    let firsts = || listed.iter().map(|it| &it.answers[0]);
    let first = &listed[0].answers[0];
    let is_one = are_all_listed && firsts().all(|it| it.name == first.name);
    let plain = if is_one {
        first.name.as_str()
    } else {
        usual.name(Answer::PLAIN)
    };
    let weight = firsts().map(|it| it.weight).max().unwrap_or(WEIGHT);
    let goes_on = is_one && first.goes_on;
    let mut outcomes = vec![named(plain, weight, goes_on)];
    let mut add = |outcome: Outcome| {
        let is_known = outcomes.iter().any(|known| known.name == outcome.name);
        if !is_known && outcomes.len() < Answers::MOST {
            outcomes.push(outcome);
        }
    };
    for answer in listed.iter().flat_map(|it| &it.answers[1..]) {
        add(named(&answer.name, answer.weight, answer.goes_on));
    }
    if !are_all_listed {
        usual.outcomes()[1..].iter().cloned().for_each(add);
    }
    Answers::new(outcomes)
}

fn named(name: &str, weight: u32, goes_on: bool) -> Outcome {
    let outcome = Outcome::new(name).given(Often::about(weight));
    match goes_on {
        true => outcome.going_on(),
        false => outcome,
    }
}
