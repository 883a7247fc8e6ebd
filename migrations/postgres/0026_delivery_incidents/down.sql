DROP TABLE new_incidents;
DROP TABLE delivery_incidents;
