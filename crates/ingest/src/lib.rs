//! The route of senders: from a request at the gate's listener to the gate, and from its answer back to HTTP. Pages, people and
//! SQL are unknown here.

mod answer;
mod ingest;
mod metrics;
mod recorded_headers;
mod target;

pub use answer::{SentAnswer, answered_status};
pub use ingest::{Ingest, describe, is_json, refuse_plain, refuse_target};
pub use metrics::{CertificateGauges, Gauges, Metrics, SetGauges};
pub use recorded_headers::RecordedHeaders;
pub use target::Target;
