// Each scenario is one promise to users of the official Node SDK; it prints one JSON line.
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const client = new OpenAI({
  apiKey: process.env.KEY,
  baseURL: process.env.URL + "/v1",
  maxRetries: Number(process.env.RETRIES ?? 0),
});
const messages = [{ role: "user", content: "What is the weather in Bern?" }];
const tools = [
  {
    type: "function",
    function: {
      name: "weather",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

const scenarios = {
  async chat() {
    const answer = await client.chat.completions.create({ model: "gpt-4o", messages });
    return { id: answer.id, text: answer.choices[0].message.content, usage: answer.usage.total_tokens };
  },
  async stream() {
    const stream = await client.chat.completions.create({
      model: "gpt-4o", messages, stream: true, stream_options: { include_usage: true },
    });
    const ids = new Set();
    let text = "", usage = null;
    for await (const chunk of stream) {
      ids.add(chunk.id);
      text += chunk.choices[0]?.delta?.content ?? "";
      usage = chunk.usage ?? usage;
    }
    return { ids: [...ids].length, text, usage: usage.total_tokens };
  },
  async tools() {
    const turns = [...messages];
    const first = await client.chat.completions.create({ model: "gpt-4o", messages: turns, tools });
    const call = first.choices[0].message.tool_calls[0];
    turns.push(first.choices[0].message, { role: "tool", tool_call_id: call.id, content: "sunny" });
    const second = await client.chat.completions.create({ model: "gpt-4o", messages: turns, tools });
    return { name: call.function.name, city: JSON.parse(call.function.arguments).city, text: second.choices[0].message.content };
  },
  async parse() {
    const Answer = z.object({ city: z.string(), degrees: z.number() });
    const answer = await client.chat.completions.parse({
      model: "gpt-4o", messages, response_format: zodResponseFormat(Answer, "answer"),
    });
    return answer.choices[0].message.parsed;
  },
  async embeddings() {
    const answer = await client.embeddings.create({ model: "gpt-4o", input: ["one", "two"] });
    return { count: answer.data.length, numbers: typeof answer.data[0].embedding[0], model: answer.model };
  },
  async completions() {
    const answer = await client.completions.create({ model: "gpt-4o", prompt: "The tallest mountain is" });
    return { object: answer.object, text: answer.choices[0].text };
  },
  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    const one = await client.models.retrieve("p1/gpt-4o");
    return { ids, one: one.id };
  },
  async errors() {
    const told = {};
    const attempts = {
      bad_request: () => client.chat.completions.create({ model: "gpt-4o", messages: [] }),
      not_found: () => client.chat.completions.create({ model: "gpt-9", messages }),
      unprocessable: () => client.chat.completions.create({ model: "gpt-4o", messages, temperature: 3 }),
      unauthenticated: () => new OpenAI({ apiKey: "th-wrong", baseURL: client.baseURL, maxRetries: 0 }).models.list(),
    };
    for (const [name, attempt] of Object.entries(attempts)) {
      try {
        await attempt();
        told[name] = "no error";
      } catch (error) {
        told[name] = { class: error.constructor.name, status: error.status, code: error.code, id: error.requestID };
      }
    }
    return told;
  },
  async broken_stream() {
    const stream = await client.chat.completions.create({ model: "gpt-4o", messages, stream: true });
    let text = "";
    try {
      for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
      return { text, error: null };
    } catch (error) {
      return { text, error: error.constructor.name };
    }
  },
};

try {
  console.log(JSON.stringify(await scenarios[process.argv[2]]()));
} catch (error) {
  console.log(JSON.stringify({ thrown: error.constructor.name, status: error.status, message: error.message }));
}
