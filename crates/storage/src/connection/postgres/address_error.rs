//! Errors of the URL of a PostgreSQL server.

use thiserror::Error;

use crate::directory::literal_path::UnexpandedPath;

/// Errors of a URL that is no address. No text repeats a part of the URL: it may be a part of the password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// A `sslmode` that would fall back to plain text, or not check the name.
    #[error(
        "sslmode={0} does not verify the server: use sslmode=require (name and chain are checked), or sslmode=disable for plain text"
    )]
    Weak(&'static str),
    /// An unknown `sslmode`.
    #[error("sslmode must be require, verify-full or disable")]
    UnknownMode,
    /// An `@` besides the one before the hosts: it may stand in a password, whose half would then be taken for a host or an
    /// option, and be shown.
    #[error(
        "only one @ is allowed, before the hosts; elsewhere write @ as %40, and in a user or a password ? as %3F"
    )]
    UnclearAt,
    /// `sslrootcert` without TLS.
    #[error("sslrootcert is set, and sslmode=disable: one of them is a mistake")]
    RootsWithoutTls,
    /// A path that only a shell could expand.
    #[error("sslrootcert: {0}")]
    Path(UnexpandedPath),
    /// An unknown parameter; its name, if other programs know it.
    #[error("{}", unknown_parameter(*.0))]
    UnknownParameter(Option<&'static str>),
    /// A parameter of other drivers that names a schema.
    #[error(
        "{0} is not understood here: name the schema by options=-csearch_path%3DNAME, or by ALTER ROLE … SET search_path"
    )]
    Schema(&'static str),
    /// A parameter that occurs twice.
    #[error("{0} is given twice; one of them is a mistake")]
    Twice(&'static str),
    /// A parameter with a value that it can't have.
    #[error("{name} must be {rule}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// Values that it can have.
        rule: &'static str,
    },
    /// A setting in `options` that every session sets to another value.
    #[error("options sets {0}, which Hookgate sets itself: leave it out")]
    OwnSetting(&'static str),
    /// A setting in `options` under which an answered delivery may be lost.
    #[error("options lowers synchronous_commit, and an answered delivery has to be on disk: leave it out")]
    NotDurable,
    /// No host.
    #[error("the host is missing: it must be postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require")]
    NoHost,
    /// Any other malformed URL.
    #[error(
        "must be postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require, with : / ? # @ % in a user or a password written as %3A %2F %3F %23 %40 %25"
    )]
    Malformed,
}

fn unknown_parameter(name: Option<&'static str>) -> String {
    match name {
        Some(name) => format!("{name} is not supported behind the ?"),
        None => "a parameter behind the ? is unknown; if it is a part of the password, write ? there as %3F"
            .to_owned(),
    }
}
