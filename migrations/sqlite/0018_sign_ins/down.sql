-- Sessions, links and names of requests that were removed stay so.
DROP TABLE failed_sign_ins;
