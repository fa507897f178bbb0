export default { root: import.meta.dirname, test: { include: ['words.mjs'], reporters: ['verbose'] } }
