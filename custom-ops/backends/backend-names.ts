// The backends that have our kernels, by the names that tf knows them by.

/** Backends that every machine has and whose memory can be read at once. */
export const hostBackendNames = ['cpu', 'wasm'] as const;
/** Backends that have our kernels: `cpu`, `wasm`, `webgpu`, `tensorflow`. */
export const backendNames = [...hostBackendNames, 'webgpu', 'tensorflow'] as const;
/** One of {@link backendNames}, by which tf knows it too. */
export type BackendName = (typeof backendNames)[number];

/** What a user may ask for: a backend, or the fastest one that works here. */
export const backendRequests = ['auto', ...backendNames] as const;
/** One of {@link backendRequests}: `auto`, or the name of a backend. */
export type BackendRequest = (typeof backendRequests)[number];
