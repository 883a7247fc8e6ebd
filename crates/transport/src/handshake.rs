//! Failed TLS handshakes: a closed set of reasons, and a log line for the failures that silently stop a sender.

use hookgate_domain::networks::wider_prefixes;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hookgate_log::LOG_INTERVAL;
use rustls::{AlertDescription, Error};
use tokio::time::Instant;

/// Maximum number of log lines within [`LOG_INTERVAL`]. A line has some 250 bytes, so a day of failures from everywhere
/// is under 40 MB of log.
const MAX_LOGGED: usize = 100;

/// The reason of a failed handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandshakeFailure {
    /// The client does not trust the certificate, or the name does not match.
    CertificateRejected,
    /// No version, cipher or key exchange in common.
    Incompatible,
    /// The bytes are no valid TLS.
    Malformed,
    /// The client closed the connection. Health checks that only connect do so.
    Closed,
    /// The handshake timed out.
    TimedOut,
}

impl HandshakeFailure {
    /// All reasons, in the order of the metric.
    pub const ALL: [Self; 5] = [
        Self::CertificateRejected,
        Self::Incompatible,
        Self::Malformed,
        Self::Closed,
        Self::TimedOut,
    ];

    /// The word in the metric.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CertificateRejected => "certificate_rejected",
            Self::Incompatible => "incompatible",
            Self::Malformed => "malformed",
            Self::Closed => "closed",
            Self::TimedOut => "timed_out",
        }
    }

    /// The reason behind an error of the acceptor.
    pub(crate) fn of(error: &io::Error) -> Self {
        let tls = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
        match tls {
            Some(Error::AlertReceived(alert)) => Self::of_alert(*alert),
            Some(Error::PeerIncompatible(_)) => Self::Incompatible,
            Some(_) => Self::Malformed,
            None => Self::Closed,
        }
    }

    const fn of_alert(alert: AlertDescription) -> Self {
        match alert {
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnrecognisedName => Self::CertificateRejected,
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity
            | AlertDescription::NoApplicationProtocol => Self::Incompatible,
            AlertDescription::CloseNotify | AlertDescription::UserCanceled => Self::Closed,
            _ => Self::Malformed,
        }
    }

    /// Advice for the log, for failures that stop a sender. The others are noise.
    const fn advice(self) -> Option<&'static str> {
        match self {
            Self::CertificateRejected => Some(
                "the client does not trust the certificate: does it know the CA, are the intermediates in the file?",
            ),
            Self::Incompatible => {
                Some("the client and this server have no TLS version or cipher in common: see tls.min")
            }
            Self::Malformed | Self::Closed | Self::TimedOut => None,
        }
    }
}

/// Counts failed handshakes. Of those with advice, it logs one of each reason and source a minute, so that a noisy
/// source hides no other. All addresses of an IPv6 customer (a /48) are one source.
#[derive(Debug, Default)]
pub struct HandshakeFailures {
    counts: [AtomicU64; HandshakeFailure::ALL.len()],
    /// Time of the last log line of each reason and customer network (an IPv4 address or an IPv6 /48). Never more than
    /// [`MAX_LOGGED`].
    logged: Mutex<HashMap<(HandshakeFailure, IpAddr), Instant>>,
}

impl HandshakeFailures {
    /// Counts a failure, and logs it if it has advice and its reason and source have no log line within the last
    /// minute.
    pub fn count(&self, failure: HandshakeFailure, source: IpAddr) {
        self.counts[failure as usize].fetch_add(1, Ordering::Relaxed);
        let Some(advice) = failure.advice() else {
            return;
        };
        if self.may_log(failure, source, Instant::now()) {
            let reason = failure.as_str();
            tracing::warn!(%source, reason, "a TLS handshake failed; {advice}");
        }
    }

    fn may_log(&self, failure: HandshakeFailure, source: IpAddr, now: Instant) -> bool {
        let [_, widest] = wider_prefixes(source);
        let key = (failure, widest);
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Instant| now.duration_since(*at) < LOG_INTERVAL;
        if logged.get(&key).is_some_and(is_recent) {
            return false;
        }
        if logged.len() >= MAX_LOGGED {
            logged.retain(|_, at| is_recent(at));
        }
        // A source that was logged before keeps its entry.
        if logged.len() >= MAX_LOGGED && !logged.contains_key(&key) {
            return false;
        }
        logged.insert(key, now);
        true
    }

    /// The counts with the words of the metric.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        HandshakeFailure::ALL
            .iter()
            .map(|failure| failure.as_str())
            .zip(counts)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_apart() {
        let of = |error: Error| HandshakeFailure::of(&io::Error::new(io::ErrorKind::InvalidData, error));
        assert_eq!(
            of(Error::AlertReceived(AlertDescription::UnknownCA)),
            HandshakeFailure::CertificateRejected
        );
        assert_eq!(
            of(Error::AlertReceived(AlertDescription::ProtocolVersion)),
            HandshakeFailure::Incompatible
        );
        assert_eq!(of(Error::DecryptError), HandshakeFailure::Malformed);
        assert_eq!(
            HandshakeFailure::of(&io::ErrorKind::UnexpectedEof.into()),
            HandshakeFailure::Closed
        );
        for (index, failure) in HandshakeFailure::ALL.into_iter().enumerate() {
            assert_eq!(failure as usize, index);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_a_reason_and_source_is_logged_a_minute_and_all_are_counted() {
        use HandshakeFailure::{CertificateRejected, Incompatible};
        let failures = HandshakeFailures::default();
        let may_log = |failure, source: &str| {
            failures.may_log(failure, source.parse().expect("an address"), Instant::now())
        };
        assert!(may_log(CertificateRejected, "192.0.2.1"));
        assert!(!may_log(CertificateRejected, "192.0.2.1"), "the same");
        assert!(!may_log(CertificateRejected, "::ffff:192.0.2.1"), "the same");
        assert!(may_log(Incompatible, "192.0.2.1"), "another reason");
        assert!(may_log(CertificateRejected, "192.0.2.2"), "another source");
        assert!(may_log(CertificateRejected, "2001:db8::1"));
        assert!(!may_log(CertificateRejected, "2001:db8::2"), "the same /64");
        assert!(
            !may_log(CertificateRejected, "2001:db8:0:ffff::1"),
            "the same /48"
        );
        tokio::time::sleep(LOG_INTERVAL).await;
        assert!(may_log(CertificateRejected, "192.0.2.1"));
        for _ in 0..3 {
            failures.count(HandshakeFailure::TimedOut, [192, 0, 2, 1].into());
        }
        assert_eq!(failures.counts()[4], ("timed_out", 3));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_from_everywhere_fill_neither_log_nor_memory() {
        let failures = HandshakeFailures::default();
        let flood = || {
            let sources = (0..1_000_u32).map(|number| IpAddr::from(number.to_be_bytes()));
            let logged = sources
                .filter(|source| failures.may_log(HandshakeFailure::Incompatible, *source, Instant::now()));
            logged.count()
        };
        assert_eq!((flood(), flood()), (MAX_LOGGED, 0));
        tokio::time::sleep(LOG_INTERVAL).await;
        assert_eq!(flood(), MAX_LOGGED, "a minute later there is room again");
        let held = failures.logged.lock().expect("no panic before").len();
        assert_eq!(held, MAX_LOGGED);
    }
}
