//! Linearizability: a history of the answers to senders and of an administrator's changes, each with its start and end by
//! one clock, and a checker that finds observations that no order of events in real time explains.
//!
//! A webhook URL is a register: changes write its state, deliveries read it. Changes of one URL never overlap. Each change
//! must take effect at one moment between its start and its end, and each delivery must see the state of one moment between
//! its own. So a delivery that saw the state before a change, and started late, moves that moment after its start; a
//! delivery that saw a state after the change, and ended early, moves the moment before its end. If no moment is left, or a
//! delivery saw a state that could not exist at all, the history is impossible.

use std::collections::BTreeMap;
use std::time::Duration;

/// The state of a URL, as the test's deliveries see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It takes them: 201 or 200.
    Open,
    /// The allowlist refuses them: 403.
    Closed,
    /// It is revoked or regenerated: 410.
    Dead,
}

/// A moment, since the test began.
pub(crate) type Moment = Duration;

/// A change of a URL's state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) to: State,
    pub(crate) began: Moment,
    pub(crate) ended: Moment,
}

/// An answered delivery, and the state that its answer shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation {
    pub(crate) state: State,
    pub(crate) began: Moment,
    pub(crate) ended: Moment,
}

/// The events of one URL.
#[derive(Clone, Debug)]
pub(crate) struct UrlHistory {
    /// The initial state.
    pub(crate) first: State,
    pub(crate) changes: Vec<Change>,
    pub(crate) deliveries: Vec<Observation>,
}

/// A result that no correct register gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// A delivery, by its index in the history, saw a state that did not exist at any moment of it.
    Impossible(usize),
    /// Deliveries saw the states around a change, given by its index, in an order that no moment of it explains.
    Torn(usize),
}

impl UrlHistory {
    /// The observations that no order of events explains.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        // The moment of each change lies between these.
        let mut earliest: Vec<_> = self.changes.iter().map(|change| change.began).collect();
        let mut latest: Vec<_> = self.changes.iter().map(|change| change.ended).collect();
        let mut violations = Vec::new();
        for (place, seen) in self.deliveries.iter().enumerate() {
            let met: Vec<_> = self.possible(seen).collect();
            match met[..] {
                [] => violations.push(Violation::Impossible(place)),
                // It saw the state after `changes` changes: these came before its end, and the next one after its beginning.
                [changes] => {
                    if let Some(last) = changes.checked_sub(1) {
                        latest[last] = latest[last].min(seen.ended);
                    }
                    if let Some(next) = earliest.get_mut(changes) {
                        *next = (*next).max(seen.began);
                    }
                }
                // Several states explain it, so it narrows none of the moments.
                _ => {}
            }
        }
        let mut moment = Moment::ZERO;
        for change in 0..self.changes.len() {
            moment = moment.max(earliest[change]);
            if moment > latest[change] {
                violations.push(Violation::Torn(change));
            }
        }
        violations
    }

    /// Numbers of changes after which the URL may have had this state at some moment of the delivery.
    fn possible(&self, seen: &Observation) -> impl Iterator<Item = usize> {
        (0..=self.changes.len()).filter(move |changes| {
            let state = match changes.checked_sub(1) {
                None => self.first,
                Some(last) => self.changes[last].to,
            };
            let begins = changes
                .checked_sub(1)
                .map_or(Moment::ZERO, |last| self.changes[last].began);
            let ends = self.changes.get(*changes).map_or(Moment::MAX, |next| next.ended);
            state == seen.state && begins <= seen.ended && seen.began <= ends
        })
    }
}

/// The violations of all URLs, by URL.
pub(crate) fn violations(histories: &BTreeMap<usize, UrlHistory>) -> Vec<(usize, Violation)> {
    let of = |(url, history): (&usize, &UrlHistory)| {
        let url = *url;
        history
            .violations()
            .into_iter()
            .map(move |violation| (url, violation))
            .collect::<Vec<_>>()
    };
    histories.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_millis(millis)
    }

    fn seen(state: State, began: u64, ended: u64) -> Observation {
        Observation {
            state,
            began: at(began),
            ended: at(ended),
        }
    }

    /// Open, closed between 10 and 20, open again between 30 and 40, dead between 50 and 60.
    fn history(deliveries: Vec<Observation>) -> UrlHistory {
        let change = |to, began, ended| Change {
            to,
            began: at(began),
            ended: at(ended),
        };
        UrlHistory {
            first: State::Open,
            changes: vec![
                change(State::Closed, 10, 20),
                change(State::Open, 30, 40),
                change(State::Dead, 50, 60),
            ],
            deliveries,
        }
    }

    #[test]
    fn what_can_have_been_is_no_violation() {
        let fine = history(vec![
            seen(State::Open, 0, 5),
            seen(State::Open, 8, 15),
            seen(State::Closed, 9, 18),
            seen(State::Closed, 16, 35),
            seen(State::Open, 31, 45),
            seen(State::Open, 45, 70),
            seen(State::Dead, 55, 58),
            seen(State::Dead, 100, 110),
        ]);
        assert_eq!(fine.violations(), []);
    }

    #[test]
    fn a_planted_stale_accept_is_found() {
        for (began, ended) in [(61, 62), (61, 1_000), (20_000, 20_001)] {
            let stale = history(vec![seen(State::Dead, 55, 58), seen(State::Open, began, ended)]);
            assert_eq!(stale.violations(), [Violation::Impossible(1)], "{began}");
        }
        let closed = history(vec![seen(State::Open, 21, 29)]);
        assert_eq!(closed.violations(), [Violation::Impossible(0)]);
    }

    #[test]
    fn a_refusal_before_its_reason_is_found() {
        assert_eq!(
            history(vec![seen(State::Dead, 41, 49)]).violations(),
            [Violation::Impossible(0)]
        );
        assert_eq!(
            history(vec![seen(State::Closed, 0, 9)]).violations(),
            [Violation::Impossible(0)]
        );
    }

    /// During a change both states are possible, but not first the new one and then the old one.
    #[test]
    fn a_state_that_comes_back_within_a_change_is_found() {
        let torn = history(vec![seen(State::Dead, 51, 52), seen(State::Open, 53, 54)]);
        assert_eq!(torn.violations(), [Violation::Torn(2)]);
        let whole = history(vec![seen(State::Open, 51, 52), seen(State::Dead, 53, 54)]);
        assert_eq!(whole.violations(), []);
    }

    /// A history of a real register has no violation; an observation of an old state after the end of a change is one.
    #[test]
    fn random_histories_of_a_real_register_pass_and_planted_ones_do_not() {
        let mut seed = 7_u64;
        let mut random = move |below: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % below
        };
        for _ in 0..500 {
            let mut changes: Vec<Change> = Vec::new();
            let (mut moments, mut clock) = (Vec::new(), 0);
            for step in 0..6 {
                let began = clock + 1 + random(20);
                let ended = began + 1 + random(20);
                let to = if step % 2 == 0 { State::Closed } else { State::Open };
                let (began_at, ended_at) = (at(began), at(ended));
                changes.push(Change {
                    to,
                    began: began_at,
                    ended: ended_at,
                });
                moments.push((began + random(ended - began + 1), to));
                clock = ended;
            }
            let real = |moment: u64| {
                let before = moments.iter().take_while(|(at, _)| *at <= moment).last();
                before.map_or(State::Open, |(_, state)| *state)
            };
            let deliveries = (0..200).map(|_| {
                let began = random(clock + 30);
                let ended = began + random(30);
                seen(real(began + random(ended - began + 1)), began, ended)
            });
            let mut history = UrlHistory {
                first: State::Open,
                deliveries: deliveries.collect(),
                changes,
            };
            assert_eq!(history.violations(), []);
            // The last change opened it.
            history.deliveries.push(seen(State::Closed, clock + 1, clock + 5));
            assert_eq!(history.violations(), [Violation::Impossible(200)]);
        }
    }
}
