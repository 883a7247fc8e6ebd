//! Forms that are sent without a session, while they are read. Anybody can send one, and a connection that waits for
//! the rest of a form makes room for no other connection. So few forms are read at a time: a new form evicts the
//! oldest one of its own source if this source has too many, and the oldest one of the source with most forms if
//! there are too many in total.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::select;
use tokio::sync::Notify;

use crate::api_error::ApiError;
use hookgate_transport::Body;
use hookgate_transport::{LEVELS, prefixes};

/// Maximum number of forms that are read concurrently. Each has at most 64 KiB, so together they have at most 4 MiB.
const MAX_ANONYMOUS_FORMS: usize = 64;
/// Maximum number of forms of one source: of an IPv4 address or an IPv6 /64, and of the wider prefixes around it. A
/// browser sends one.
const MAX_FORMS_OF_A_SOURCE: [usize; LEVELS] = [4, 8, 16];
/// Time for the whole form: the longest one needs 13 KB/s, and most arrive together with their head.
const FORM_TIMEOUT: Duration = Duration::from_secs(5);
/// `Retry-After` of an evicted form.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The forms that are being read.
#[derive(Default)]
pub struct AnonymousForms(Mutex<State>);

#[derive(Default)]
struct State {
    arrivals: u64,
    /// Forms by their number, in the order of arrival.
    reading: BTreeMap<u64, IncomingForm>,
}

struct IncomingForm {
    source: IpAddr,
    evicted: Arc<Notify>,
}

/// A permit to read a form. Dropping it lets another form be read.
struct FormPermit<'a> {
    forms: &'a AnonymousForms,
    number: u64,
    evicted: Arc<Notify>,
}

impl AnonymousForms {
    /// Reads the whole form. An error if it has more than `most` bytes, takes too long, or is evicted.
    pub(crate) async fn read(&self, body: Body, source: IpAddr, most: usize) -> Result<Bytes, ApiError> {
        let permit = self.begin(source);
        select! {
            biased;
            read = body.read_for(most, FORM_TIMEOUT) => Ok(read?),
            () = permit.evicted.notified() => {
                let reason = "too many forms are being received".to_owned();
                Err(ApiError::busy(RETRY_AFTER, reason))
            }
        }
    }

    fn begin(&self, source: IpAddr) -> FormPermit<'_> {
        let evicted = Arc::new(Notify::new());
        let number = self.lock().join(source.to_canonical(), Arc::clone(&evicted));
        FormPermit {
            forms: self,
            number,
            evicted,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn join(&mut self, source: IpAddr, evicted: Arc<Notify>) -> u64 {
        for (prefix, most) in prefixes(source).zip(MAX_FORMS_OF_A_SOURCE) {
            let mut of_prefix = self.of(|other| prefix.contains(other));
            if let Some(oldest) = of_prefix.next()
                && of_prefix.count() + 1 >= most
            {
                self.evict(oldest);
            }
        }
        if self.reading.len() >= MAX_ANONYMOUS_FORMS
            && let Some(oldest) = self.oldest_of_heaviest()
        {
            self.evict(oldest);
        }
        self.arrivals += 1;
        self.reading
            .insert(self.arrivals, IncomingForm { source, evicted });
        self.arrivals
    }

    fn of(&self, is_of: impl Fn(IpAddr) -> bool) -> impl Iterator<Item = u64> {
        let reading = self.reading.iter();
        reading
            .filter(move |(_, reading)| is_of(reading.source))
            .map(|(number, _)| *number)
    }

    /// The oldest form of the source with most forms, by the widest prefix that one customer may have.
    fn oldest_of_heaviest(&self) -> Option<u64> {
        let heaviest = self.reading.values().rev().max_by_key(|reading| {
            let widest = prefixes(reading.source).last();
            self.of(|other| widest.is_some_and(|widest| widest.contains(other)))
                .count()
        })?;
        let widest = prefixes(heaviest.source).last()?;
        self.of(|other| widest.contains(other)).next()
    }

    fn evict(&mut self, number: u64) {
        if let Some(reading) = self.reading.remove(&number) {
            reading.evicted.notify_one();
        }
    }
}

impl Drop for FormPermit<'_> {
    fn drop(&mut self) {
        self.forms.lock().reading.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(forms: &AnonymousForms, sources: impl Iterator<Item = String>) -> Vec<FormPermit<'_>> {
        let begin = |text: String| forms.begin(text.parse().expect("an address"));
        sources.map(begin).collect()
    }

    fn left(forms: &AnonymousForms) -> usize {
        forms.lock().reading.len()
    }

    fn is_there(permit: &FormPermit<'_>) -> bool {
        permit.forms.lock().reading.contains_key(&permit.number)
    }

    #[tokio::test]
    async fn a_source_has_few_forms_and_the_oldest_makes_room() {
        for (form, most) in [
            (
                Box::new(|_| "192.0.2.1".to_owned()) as Box<dyn Fn(usize) -> String>,
                4,
            ),
            (Box::new(|n| format!("192.0.2.{n}")), 8),
            (Box::new(|n| format!("::ffff:192.0.2.{n}")), 8),
            (Box::new(|n| format!("2001:db8::{n:x}")), 4),
            (Box::new(|n| format!("2001:db8:0:{n:x}::1")), 8),
            (Box::new(|n| format!("2001:db8:0:{:x}::1", n * 256)), 16),
        ] {
            let forms = AnonymousForms::default();
            let permits = many(&forms, (0..40).map(form));
            assert_eq!(left(&forms), most);
            assert!(permits[40 - most..].iter().all(is_there));
            permits[0].evicted.notified().await;
            drop(permits);
            assert_eq!(left(&forms), 0);
        }
    }

    #[tokio::test]
    async fn who_sends_one_form_is_not_put_off_by_those_who_send_many() {
        let forms = AnonymousForms::default();
        let person = forms.begin([198, 51, 100, 1].into());
        let _flood = many(&forms, (0..1_000).map(|n| format!("10.0.{}.1", n % 50)));
        assert_eq!(left(&forms), MAX_ANONYMOUS_FORMS);
        assert!(is_there(&person));
    }
}
