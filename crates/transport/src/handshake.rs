//! Failed TLS handshakes: why they failed, as a closed set of reasons, and a log line for those that a sender may suffer from
//! without anybody seeing it.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::{AlertDescription, Error};
use tokio::time::Instant;

/// Time between two log lines with the same reason: a flood of failures must not fill the log.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// Why a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFailure {
    /// The client does not trust the certificate, or not for this name.
    CertificateRejected,
    /// No version, cipher or key exchange in common.
    Incompatible,
    /// No TLS that could be understood.
    Malformed,
    /// The client left in the middle. Health checks that only connect do so.
    Closed,
    /// It took too long.
    TimedOut,
}

impl HandshakeFailure {
    /// All of them, in the order of the metric.
    pub const ALL: [Self; 5] = [
        Self::CertificateRejected,
        Self::Incompatible,
        Self::Malformed,
        Self::Closed,
        Self::TimedOut,
    ];

    /// The word in the metric.
    pub(crate) const fn as_str(self) -> &'static str {
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

    /// What to look at, for failures that a sender suffers from; the others are everyday noise.
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

/// Counts failed handshakes, and logs one of each reason a minute.
#[derive(Debug)]
pub(crate) struct HandshakeFailures {
    began: Instant,
    counts: [AtomicU64; HandshakeFailure::ALL.len()],
    /// Milliseconds after `began` from which on the next one of this reason is logged.
    next_logs: [AtomicU64; HandshakeFailure::ALL.len()],
}

impl Default for HandshakeFailures {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            counts: Default::default(),
            next_logs: Default::default(),
        }
    }
}

impl HandshakeFailures {
    /// Counts one, and logs it if none of its reason was logged within the last minute.
    pub(crate) fn count(&self, failure: HandshakeFailure, source: IpAddr) {
        let index = failure as usize;
        self.counts[index].fetch_add(1, Ordering::Relaxed);
        let Some(advice) = failure.advice() else {
            return;
        };
        if self.may_log(index) {
            let reason = failure.as_str();
            tracing::warn!(%source, reason, "a TLS handshake failed; {advice}");
        }
    }

    fn may_log(&self, index: usize) -> bool {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let now = millis(self.began.elapsed());
        let next = self.next_logs[index].load(Ordering::Relaxed);
        let later = now.saturating_add(millis(LOG_INTERVAL));
        now >= next
            && self.next_logs[index]
                .compare_exchange(next, later, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// The counts with their words.
    pub(crate) fn counts(&self) -> Vec<(&'static str, u64)> {
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
    async fn one_of_a_reason_is_logged_a_minute_and_all_are_counted() {
        let failures = HandshakeFailures::default();
        assert!(failures.may_log(0) && !failures.may_log(0) && failures.may_log(1));
        tokio::time::sleep(LOG_INTERVAL).await;
        assert!(failures.may_log(0));
        for _ in 0..3 {
            failures.count(HandshakeFailure::TimedOut, [192, 0, 2, 1].into());
        }
        assert_eq!(failures.counts()[4], ("timed_out", 3));
    }
}
