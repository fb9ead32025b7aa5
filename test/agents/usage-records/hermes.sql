create table sessions (id text, source text, model text, parent_session_id text, started_at real, ended_at real, input_tokens integer, output_tokens integer, cache_read_tokens integer, cwd text, system_prompt text);
create table session_model_usage (session_id text, model text, billing_provider text, billing_base_url text, billing_mode text, task text, api_call_count integer, input_tokens integer, output_tokens integer, cache_read_tokens integer, cache_write_tokens integer, reasoning_tokens integer, estimated_cost_usd real, actual_cost_usd real, cost_status text, cost_source text, first_seen real, last_seen real);
create table messages (id integer, session_id text, role text, content text, timestamp real, finish_reason text);
insert into sessions values ('20261127_174404_61976e', 'oneshot', 'stub', null, 1795801459.7814171, 1795801486.9294617, 3511, 234, 649, '@DIR@/hermes.one', null);
insert into session_model_usage values ('20261127_174404_61976e', 'stub', 'custom', 'http://127.0.0.1:8765/v1', '', '', 3, 3511, 234, 649, 0, 11, 0.0, 0.0, 'unknown', 'none', 1795801461.7632651, 1795801486.6831555);
insert into session_model_usage values ('20261127_174404_61976e', 'stub-answered', 'custom', 'http://127.0.0.1:8765/v1/', '', 'title_generation', 1, 1175, 86, 325, 0, 11, 0.0, 0.0, null, null, 1795801463.2010076, 1795801463.2010076);
insert into sessions values ('20261127_174054_d5af63', 'cli', 'stub', null, 1795801261.1812403, null, 3600, 110, 411, '@DIR@/hermes.one', null);
insert into sessions values ('20261127_174304_943d3a', 'cli', 'stub', null, 1795801334.21083, null, 1800, 70, 207, null, 'User home directory: /home/one
Current working directory: @DIR@/hermes.one

Active Hermes profile: default.');
insert into session_model_usage values ('20261127_174054_d5af63', 'stub', 'custom', 'http://127.0.0.1:8766/v1', '', '', 4, 3600, 110, 411, 0, 0, 0.0, 0.0, 'unknown', 'none', 1795801263.1444054, 1795801272.4807634);
insert into session_model_usage values ('20261127_174054_d5af63', 'stub', 'auto', 'http://127.0.0.1:8766/v1/', '', 'title_generation', 1, 900, 40, 104, 0, 0, 0.0, 0.0, null, null, 1795801271.3789973, 1795801271.3789973);
insert into session_model_usage values ('20261127_174304_943d3a', 'stub', 'custom', 'http://127.0.0.1:8766/v1', '', '', 2, 1800, 70, 207, 0, 0, 0.0, 0.0, 'unknown', 'none', 1795801342.1706991, 1795801343.1031957);
insert into session_model_usage values ('20261127_174304_943d3a', 'stub', 'auto', 'http://127.0.0.1:8766/v1/', '', 'title_generation', 1, 900, 50, 105, 0, 0, 0.0, 0.0, null, null, 1795801344.14033, 1795801344.14033);
insert into messages values (1, '20261127_174054_d5af63', 'user', '[burn 0000000000001] Read the 1 line of .burn/1.md TOOL SLOW and do what it says.', 1795801261.207458, null);
insert into messages values (2, '20261127_174054_d5af63', 'assistant', '', 1795801263.1467063, 'tool_calls');
insert into messages values (3, '20261127_174054_d5af63', 'tool', '{"output": "hi", "exit_code": 0, "error": null}', 1795801263.3217735, null);
insert into messages values (4, '20261127_174054_d5af63', 'assistant', 'answer 2', 1795801269.6650405, 'stop');
insert into messages values (5, '20261127_174054_d5af63', 'user', '[burn 0000000000002] Read the 1 line of .burn/2.md TOOL and do what it says.', 1795801269.944441, null);
insert into messages values (6, '20261127_174054_d5af63', 'assistant', '', 1795801271.3694565, 'tool_calls');
insert into messages values (7, '20261127_174054_d5af63', 'tool', '{"output": "hi", "exit_code": 0, "error": null}', 1795801271.4770212, null);
insert into messages values (8, '20261127_174054_d5af63', 'assistant', 'answer 5', 1795801272.4853532, 'stop');
insert into messages values (13, '20261127_174304_943d3a', 'user', '[burn 0000000000006] Read the 1 line of .burn/6.md TOOL and do what it says.', 1795801341.2995362, null);
insert into messages values (14, '20261127_174304_943d3a', 'assistant', '', 1795801342.1756642, 'tool_calls');
insert into messages values (15, '20261127_174304_943d3a', 'tool', '{"output": "hi", "exit_code": 0, "error": null}', 1795801342.2520096, null);
insert into messages values (16, '20261127_174304_943d3a', 'assistant', 'answer 4', 1795801343.1055088, 'stop');
