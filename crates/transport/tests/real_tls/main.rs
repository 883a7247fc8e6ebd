//! The listener over real sockets and real TLS, seen by curl and by a bare TLS client.

mod lifecycle;
mod plain_http;
mod protocols;
mod streams;
mod support;
