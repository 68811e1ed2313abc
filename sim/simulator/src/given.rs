//! What services have answered to work that they know again: the memory of the environment.
//!
//! A service that knows work by a key decides once, and says the same from then on. When it decides
//! makes no difference to who asks: the first answer that is seen tells what was decided. Silence
//! is no answer, and neither is one with which what asked goes on asking (it was lost, or put off):
//! the work may have been done or not, and a later answer tells. A crash of the kernel does not
//! touch what services know.

use sim_record::trace::{Answer, Answers, ValueId};

/// The answer of a service, by what it knows the work again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Given {
    /// The key.
    pub key: ValueId,
    /// What was answered.
    pub answer: Answer,
    /// The receipt; None where the answer is an event, which follows from the input.
    pub receipt: Option<ValueId>,
}

impl Given {
    /// Whether the work may be answered so all the same: as the first was, or by no word of the
    /// service's own.
    pub fn allows(&self, answer: Answer, answers: &Answers) -> bool {
        answer == self.answer || !is_kept(answer, answers)
    }
}

/// Whether an answer is the service's own, which it repeats.
fn is_kept(answer: Answer, answers: &Answers) -> bool {
    answer != Answer::SILENCE && !answers.goes_on(answer)
}

/// The answers of all services, each by its own key.
#[derive(Clone, Default, Debug)]
pub struct GivenAnswers(Vec<Given>);

impl GivenAnswers {
    /// What was answered to the first work with this key, if something was.
    pub fn of(&self, key: Option<ValueId>) -> Option<Given> {
        let key = key?;
        let mut given = self.0.iter();
        given.find(|given| given.key == key).copied()
    }

    /// Whether work with this key may get an answer.
    pub fn allows(&self, key: Option<ValueId>, answer: Answer, answers: &Answers) -> bool {
        let given = self.of(key);
        given.is_none_or(|given| given.allows(answer, answers))
    }

    /// Whether a receipt of one's own is what an answer to work with this key says.
    pub(super) fn fits(
        &self,
        key: Option<ValueId>,
        answer: Answer,
        receipt: Option<ValueId>,
    ) -> bool {
        let given = self.of(key).filter(|given| given.answer == answer);
        given.is_none_or(|given| receipt.is_none() || receipt == given.receipt)
    }

    /// The answer by which work with this key goes on.
    pub fn plain(&self, key: Option<ValueId>) -> Answer {
        self.of(key).map_or(Answer::PLAIN, |given| given.answer)
    }

    /// Remembers an answer to work with this key, if it is the first.
    pub(super) fn keep(
        &mut self,
        key: Option<ValueId>,
        (answer, receipt): (Answer, Option<ValueId>),
        answers: &Answers,
    ) {
        if let Some(key) = key
            && is_kept(answer, answers)
            && self.of(Some(key)).is_none()
        {
            self.0.push(Given {
                key,
                answer,
                receipt,
            });
        }
    }

    /// All of them, in the order in which they were given.
    pub(super) fn all(&self) -> &[Given] {
        &self.0
    }

    /// These and no others.
    pub(super) fn set(&mut self, given: impl Iterator<Item = Given>) {
        self.0.clear();
        self.0.extend(given);
    }
}
