//! The schema of a store: that of the URL or of the role, and never silently another one.

use hookgate_testkit::postgres::Postgres;
use serde_json::Value;

use crate::support::node;
use crate::support::run;

/// A node on a fresh database, and that database's name.
fn laid_out(options: &str) -> (tempfile::TempDir, String) {
    let url = Postgres::shared().database().unwrap();
    let directory = tempfile::tempdir().unwrap();
    node::lay_out(directory.path(), &format!("{url}{options}"));
    let name = url.rsplit('/').next().unwrap().split('?').next();
    (directory, name.unwrap().to_owned())
}

fn sql(database: &str, statement: &str) -> String {
    Postgres::shared()
        .sql(database, statement)
        .unwrap()
        .trim()
        .to_owned()
}

/// The schemas that have tables of a store.
fn schemas(database: &str) -> String {
    sql(
        database,
        "SELECT string_agg(DISTINCT schemaname, ',') FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
}

fn succeeds(directory: &tempfile::TempDir, arguments: &[&str]) -> Value {
    let output = run(directory.path(), arguments, "");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Checks that the store works and is completely in this schema.
fn is_in(schema: &str, directory: &tempfile::TempDir, database: &str) {
    succeeds(directory, &["migrate"]);
    succeeds(directory, &["webhook", "create", "demo"]);
    let listed = succeeds(directory, &["webhook", "list"]);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(schemas(database), schema);
    let count = format!("SELECT count(*) FROM {schema}.webhooks");
    assert_eq!(sql(database, &count), "1");
}

#[test]
fn options_of_the_url_name_the_schema() {
    let (directory, database) = laid_out("&options=-csearch_path%3Dhook");
    sql(&database, "CREATE SCHEMA hook AUTHORIZATION hookgate");
    is_in("hook", &directory, &database);
}

#[test]
fn the_role_names_the_schema() {
    let (directory, database) = laid_out("");
    sql(&database, "CREATE SCHEMA \"Our Hooks\" AUTHORIZATION hookgate");
    let role = format!("ALTER ROLE hookgate IN DATABASE {database} SET search_path = \"Our Hooks\", public");
    sql(&database, &role);
    succeeds(&directory, &["migrate"]);
    assert_eq!(schemas(&database), "Our Hooks");
    // A table of another schema in the path is never taken for one of the store.
    sql(&database, "CREATE TABLE public.webhooks (id int)");
    succeeds(&directory, &["webhook", "create", "demo"]);
    assert_eq!(sql(&database, "SELECT count(*) FROM \"Our Hooks\".webhooks"), "1");
}

#[test]
fn a_schema_that_does_not_exist_is_an_error_that_says_so() {
    let (directory, database) = laid_out("&options=-csearch_path%3Dnowhere");
    for command in [&["migrate"][..], &["serve"], &["webhook", "list"], &["doctor"]] {
        let output = run(directory.path(), command, "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{command:?}: {said}");
        assert!(
            said.contains("no schema of search_path exists"),
            "{command:?}: {said}"
        );
    }
    assert_eq!(schemas(&database), "", "nothing is made elsewhere");
}

#[test]
fn a_schema_that_the_user_may_not_use_is_an_error_too() {
    let (directory, database) = laid_out("&options=-csearch_path%3Dforeign_one");
    sql(&database, "CREATE SCHEMA foreign_one");
    let output = run(directory.path(), &["migrate"], "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(
        said.contains("no schema of search_path exists, or this user may not use it"),
        "{said}"
    );
    assert_eq!(schemas(&database), "", "nothing is made elsewhere");
}

#[test]
fn a_parameter_without_effect_is_refused_before_anything_is_called() {
    for (parameter, what) in [
        ("&search_path=hook", "options=-csearch_path%3DNAME"),
        ("&currentSchema=hook", "options=-csearch_path%3DNAME"),
        (
            "&options=-cstatement_timeout%3D60s",
            "statement_timeout, which Hookgate sets itself",
        ),
        (
            "&options=-c%20synchronous_commit%3Doff",
            "lowers synchronous_commit",
        ),
        ("&pgbouncer=true", "pgbouncer is not supported"),
    ] {
        let (directory, database) = laid_out(parameter);
        let output = run(directory.path(), &["migrate"], "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{parameter}: {said}");
        assert!(said.contains(what), "{parameter}: {said}");
        assert_eq!(schemas(&database), "");
    }
}
