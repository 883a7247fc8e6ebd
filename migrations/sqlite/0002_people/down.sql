DROP TABLE audit;
DROP TABLE sign_in_links;
DROP TABLE tokens;
DROP TABLE sessions;
DROP TABLE members;
